//go:build !unix

package inspect

import (
	"io"
	"os"
)

// mapped reads f.
func mapped(f *os.File, size int) (content []byte, release func(), err error) {
	content = make([]byte, size)
	if _, err := io.ReadFull(f, content); err != nil {
		return nil, nil, err
	}
	return content, func() {}, nil
}
