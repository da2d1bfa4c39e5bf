package access

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"
)

// lookEvery is how often a file is looked at, at most. Looking is one stat, by a
// request that comes anyway, so nothing runs while nothing comes; and it sees
// what notifications miss: network file systems, and the links that Kubernetes
// turns when a mounted Secret changes.
const lookEvery = time.Second

// settled is how old a file must have been when it was read for its time stamp to
// prove that it is the same: two writes within a tick of the file system's clock
// look alike.
const settled = 2 * time.Second

// file is a file that is read again when it has changed. Only due may be called
// concurrently.
type file struct {
	path   string
	looked atomic.Int64 // when, in Unix nanoseconds
	info   os.FileInfo  // of what was read last; nil: read it in any case
	told   string       // the fault that was reported last
}

// due says that it is time to look at the file again.
func (f *file) due(now time.Time) bool {
	since := now.Sub(time.Unix(0, f.looked.Load()))
	return since >= lookEvery || since < 0 // the clock was set back
}

// changed says whether the file is another than the one read last, or may be.
func (f *file) changed(now time.Time) bool {
	f.looked.Store(now.UnixNano())
	info, err := os.Stat(f.path)
	return err != nil || f.info == nil || !os.SameFile(info, f.info) ||
		info.Size() != f.info.Size() || !info.ModTime().Equal(f.info.ModTime())
}

// read returns the file's bytes, at most so many.
func (f *file) read(most int64, now time.Time) ([]byte, error) {
	f.info = nil
	f.looked.Store(now.UnixNano())
	opened, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	info, err := opened.Stat() // before reading: what is written meanwhile is a change
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(opened, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > most {
		return nil, fmt.Errorf("%s has more than %d bytes", f.path, most)
	}
	if age := time.Since(info.ModTime()); age > settled {
		f.info = info
	}
	return text, nil
}

// isNews says whether err is another fault than the one told last; nil is that
// all is well again.
func (f *file) isNews(err error) bool {
	before := f.told
	f.told = ""
	if err != nil {
		f.told = err.Error()
	}
	return f.told != "" && f.told != before
}
