package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// brokerCommand makes this program the NATS server that scenarios put between the
// gateway and its jobs: a process of its own, so that it can be killed.
const brokerCommand = "broker"

func serveBroker(args []string) error {
	flags := flag.NewFlagSet(brokerCommand, flag.ContinueOnError)
	port := flags.Int("port", 0, "TCP `port` on the loopback interface")
	dir := flags.String("dir", "", "`folder` of the streams")
	if err := flags.Parse(args); err != nil {
		return err
	}
	s, err := server.NewServer(&server.Options{
		ServerName: "faults", Host: "127.0.0.1", Port: *port, JetStream: true, StoreDir: *dir, NoLog: true,
		// As an operator sets it who wants what is acknowledged to be on the disk.
		SyncAlways: true,
	})
	if err != nil {
		return fmt.Errorf("making the broker: %w", err)
	}
	s.Start()
	s.WaitForShutdown()
	return nil
}

// broker is that process.
type broker struct {
	address, dir string
	port         int
	cmd          *exec.Cmd
}

func newBroker(dir string) (*broker, error) {
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer probe.Close()
	return &broker{address: probe.Addr().String(), port: probe.Addr().(*net.TCPAddr).Port, dir: dir}, nil
}

// start returns when the broker takes connections.
func (b *broker) start() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	b.cmd = exec.Command(self, brokerCommand, "-port", strconv.Itoa(b.port), "-dir", b.dir)
	b.cmd.Stderr = os.Stderr
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := b.cmd.Start(); err != nil {
		return fmt.Errorf("starting the broker: %w", err)
	}
	for range 500 {
		conn, err := net.Dial("tcp", b.address)
		if err == nil {
			return conn.Close()
		}
		time.Sleep(20 * time.Millisecond)
	}
	b.end()
	return errors.New("the broker does not come up")
}

// end kills the broker.
func (b *broker) end() {
	_ = b.cmd.Process.Kill()
	_ = b.cmd.Wait()
}
