package main

import (
	"log/slog"

	"github.com/seed45885407/saccade/runtime/codec"
	"github.com/seed45885407/saccade/runtime/turbo"
	"github.com/seed45885407/saccade/runtime/vision"
)

// noTurbo is what --turbojpeg says to decode in Go.
const noTurbo = "none"

// limits say what decodes pictures: JPEGs libjpeg-turbo where there is one, and
// else, which is said, Go. The library and the codecs stay open until the process ends:
// a request that the end cuts short may be inside.
func (c config) limits(log *slog.Logger) vision.Limits {
	if c.turbo == noTurbo {
		log.Info("decoding", "jpeg", "in Go", "because", "--turbojpeg says so")
		return vision.Limits{Codecs: codec.New()}
	}
	library, name, err := turbo.Find(c.turbo)
	if err != nil {
		log.Warn("decoding", "jpeg", "in Go, which takes some five times as long", "because", err)
		return vision.Limits{Codecs: codec.New()}
	}
	log.Info("decoding", "jpeg", "libjpeg-turbo", "library", name)
	return vision.Limits{JPEG: vision.NewJPEG(library), Codecs: codec.New()}
}
