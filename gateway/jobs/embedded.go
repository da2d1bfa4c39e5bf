package jobs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"golang.org/x/sys/unix"
)

// embedded is a NATS server in this process. It listens nowhere: the only way in is
// a connection from the process itself.
type embedded struct {
	dir  string
	lock *os.File

	mu     sync.Mutex
	server *server.Server
}

// readyWithin is how long the server may take to read its store.
const readyWithin = 2 * time.Minute

// openEmbedded takes the folder, which one process may have at a time, and starts.
func openEmbedded(o Options) (*embedded, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder for jobs: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(o.Dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the folder for jobs: %w", err)
	}
	e := &embedded{dir: o.Dir, lock: lock}
	// The kernel frees it when its holder dies, however it dies.
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("the folder for jobs %s is in use by another process: %w", o.Dir, err)
	}
	if err := e.start(); err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

func (e *embedded) start() error {
	s, err := server.NewServer(&server.Options{
		ServerName: "saccade", DontListen: true, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: e.dir,
		// What is acknowledged is on disk, not on its way there.
		SyncAlways: true,
		// The disk itself is the bound: what is free is looked at before a job is taken.
		JetStreamMaxStore: 1 << 50, JetStreamMaxMemory: 64 << 20,
		MaxPayload: maxPayload, MaxPending: 8 * maxPayload,
		DisableJetStreamBanner: true,
	})
	if err != nil {
		return fmt.Errorf("making the store of jobs: %w", err)
	}
	s.Start()
	if !s.ReadyForConnections(readyWithin) || !s.JetStreamEnabled() {
		stop(s)
		return fmt.Errorf("the store of jobs in %s does not start", e.dir)
	}
	e.mu.Lock()
	e.server = s
	e.mu.Unlock()
	return nil
}

// running is the server, nil where there is none; e may be nil.
func (e *embedded) running() *server.Server {
	if e == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.server
}

// healthy tells whether the server takes writes. JetStream answers no write to a
// stream that could not write once, and all of JetStream is turned off by some
// faults; neither comes back by itself.
func (e *embedded) healthy() bool {
	s := e.running()
	if s == nil || !s.JetStreamEnabled() {
		return false
	}
	// The server gives itself a millisecond to find that it takes connections. A busy
	// machine is longer about it now and then, which is no fault of the store's: it is
	// asked again, and where no answer comes the next look may have one.
	for range 10 {
		faults := s.Healthz(&server.HealthzOptions{Details: true}).Errors
		if len(faults) == 0 {
			return true
		}
		if faults[0].Type != server.HealthzErrorConn {
			return false
		}
	}
	return true
}

// restart reads the store anew.
func (e *embedded) restart() error {
	stop(e.running())
	e.mu.Lock()
	e.server = nil
	e.mu.Unlock()
	return e.start()
}

func stop(s *server.Server) {
	if s != nil {
		s.Shutdown()
		s.WaitForShutdown()
	}
}

// close ends the server and gives the folder free; e may be nil.
func (e *embedded) close() error {
	if e == nil {
		return nil
	}
	stop(e.running())
	if err := e.lock.Close(); err != nil {
		return fmt.Errorf("unlocking the folder for jobs: %w", err)
	}
	return nil
}

// free is how many bytes of the folder's disk can still be written.
func (e *embedded) free() (int64, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(e.dir, &fs); err != nil {
		return 0, fmt.Errorf("asking how much of the disk is free: %w", err)
	}
	return int64(fs.Bavail) * int64(fs.Bsize), nil
}
