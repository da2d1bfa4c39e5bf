package mqtt

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/sources/intake"
)

// message is what an MQTT message says. Of the user properties those are attributes
// that can be, and where specversion is among them; brokers and bridges add others.
func (o Options) message(p *paho.Publish) intake.Message {
	m := intake.Message{
		Header: http.Header{}, Data: p.Payload, ID: digest(p), Subject: p.Topic, Time: time.Now(),
		Source: url.URL{Scheme: "mqtt", Host: o.host(), Path: "/" + p.Topic},
	}
	if p.Properties == nil {
		return m
	}
	contentType := p.Properties.ContentType
	if p.Properties.User.Get("specversion") != "" {
		for _, property := range p.Properties.User {
			if isAttribute(property.Key) {
				intake.SetAttribute(m.Header, property.Key, property.Value)
			}
		}
		if contentType == "" {
			contentType = p.Properties.User.Get("datacontenttype")
		}
	}
	if contentType != "" {
		m.Header.Set("Content-Type", contentType)
	}
	return m
}

func isAttribute(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

// digest is the id of the event that is made of a plain picture. MQTT has no name for
// a message that lasts over a connection, so what is the same in topic, picture and
// properties is the same message.
func digest(p *paho.Publish) string {
	sum := sha256.New()
	part := func(data []byte) {
		fmt.Fprintf(sum, "%d:", len(data))
		sum.Write(data)
	}
	part([]byte(p.Topic))
	part(p.Payload)
	if p.Properties != nil {
		part(p.Properties.CorrelationData)
		for _, property := range p.Properties.User {
			part([]byte(property.Key))
			part([]byte(property.Value))
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// write is the message that carries an event, in binary mode where that can be told
// from structured.
func write(topic string, e events.Event) (*paho.Publish, error) {
	p := &paho.Publish{Topic: topic, QoS: 1, Properties: &paho.PublishProperties{}}
	if mode, err := events.ModeOf(e.DataContentType); mode != events.Binary || err != nil {
		text, err := json.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("writing an event: %w", err)
		}
		p.Payload, p.Properties.ContentType = text, events.ContentTypeStructured
		return p, nil
	}
	if p.Payload = e.Data; e.Base64 != "" {
		data, err := base64.StdEncoding.DecodeString(e.Base64)
		if err != nil {
			return nil, functions.Errorf(functions.Invalid, "the event's data is no base64").Because(err)
		}
		p.Payload = data
	}
	p.Properties.ContentType = e.DataContentType
	h := http.Header{}
	e.SetHeader(h)
	for name, values := range h {
		attribute, ours := strings.CutPrefix(strings.ToLower(name), "ce-")
		if !ours {
			continue // the content type, which has its own place
		}
		// HTTP escapes; MQTT has UTF-8.
		value, err := url.PathUnescape(values[0])
		if err != nil {
			return nil, fmt.Errorf("writing the attribute %s: %w", attribute, err)
		}
		p.Properties.User.Add(attribute, value)
	}
	return p, nil
}
