package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"time"

	"upppoe/test/lab"
)

// relay is rp-pppoe's intermediate agent between the segments of client and server.
type relay struct {
	in  *lab.Namespace
	cmd *exec.Cmd
}

const relayProgram = "pppoe-relay"

// connectRelay connects client and server to a third namespace, and starts the relay agent there.
func (s *demo) connectRelay() (err error) {
	r := &relay{cmd: exec.Command(relayProgram, "-C", "clients", "-S", "servers", "-F")}
	if r.in, err = lab.NewNamespace(); err != nil {
		return err
	}
	s.relay = r
	if err := lab.Veth(lab.End{In: s.client, Name: "eth0", MAC: clientMAC}, lab.End{In: r.in, Name: "clients"}); err != nil {
		return err
	}
	if err := lab.Veth(lab.End{In: s.server, Name: "eth0", MAC: serverMAC}, lab.End{In: r.in, Name: "servers"}); err != nil {
		return err
	}
	if err := r.in.Start(r.cmd); err != nil {
		return err
	}
	return r.in.Do(awaitRelay)
}

// awaitRelay waits until the relay agent has opened its two sockets for session frames, the last that it opens.
func awaitRelay() error {
	const sessionSocket, sockets = " 8864 ", 2
	for end := time.Now().Add(timeout); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		open, err := os.ReadFile("/proc/thread-self/net/packet")
		if err != nil || bytes.Count(open, []byte(sessionSocket)) >= sockets {
			return err
		}
	}
	return fmt.Errorf("%s has not opened its sockets within %v", relayProgram, timeout)
}

// close ends the relay agent; nil: there is none.
func (r *relay) close() {
	if r == nil {
		return
	}
	if r.cmd.Process != nil {
		r.cmd.Process.Kill()
		r.cmd.Wait()
	}
	r.in.Close()
}
