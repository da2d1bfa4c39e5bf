package fetch

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// zone is a name server in memory: it speaks DNS over pipes, opens no socket and
// so works inside a synctest bubble too.
type zone struct {
	t testing.TB
	// answer is asked once for every lookup of an address family.
	answer func(name string, v6 bool) []netip.Addr

	mu     sync.Mutex
	asked  []string
	served sync.WaitGroup
}

// newZone answers with the addresses of answer; none makes an unknown name.
func newZone(t testing.TB, answer func(name string, v6 bool) []netip.Addr) *zone {
	z := &zone{t: t, answer: answer}
	t.Cleanup(z.served.Wait)
	return z
}

// fixed is a zone in which each name has the addresses given.
func fixed(t testing.TB, names map[string]string) *zone {
	return newZone(t, func(name string, v6 bool) []netip.Addr {
		var found []netip.Addr
		for text := range strings.FieldsSeq(names[name]) {
			if addr := netip.MustParseAddr(text); addr.Is6() == v6 {
				found = append(found, addr)
			}
		}
		return found
	})
}

func (z *zone) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		z.served.Go(func() { z.serve(theirs) })
		return ours, nil
	}}
}

func (z *zone) names() []string {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.asked
}

// serve answers as over TCP (RFC 1035, 4.2.2): a pipe is a stream.
func (z *zone) serve(conn net.Conn) {
	defer conn.Close()
	for {
		var size uint16
		if binary.Read(conn, binary.BigEndian, &size) != nil {
			return
		}
		query := make([]byte, size)
		if _, err := io.ReadFull(conn, query); err != nil {
			return
		}
		reply, err := z.reply(query)
		if err != nil {
			return // a fuzzed name that makes no message
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
			return
		}
	}
}

func (z *zone) reply(query []byte) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil {
		return nil, err
	}
	q := m.Questions[0]
	name := strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))
	z.mu.Lock()
	z.asked = append(z.asked, name)
	z.mu.Unlock()

	answer := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: m.ID, Response: true, RecursionDesired: true, RecursionAvailable: true},
		Questions: m.Questions,
	}
	for _, addr := range z.answer(name, q.Type == dnsmessage.TypeAAAA) {
		head := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: dnsmessage.ClassINET}
		if addr.Is6() {
			answer.Answers = append(answer.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}})
		} else {
			answer.Answers = append(answer.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: addr.As4()}})
		}
	}
	if len(answer.Answers) == 0 {
		answer.RCode = dnsmessage.RCodeNameError
	}
	return answer.Pack()
}
