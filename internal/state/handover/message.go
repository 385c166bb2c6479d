package handover

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// version is that of the protocol. Both programs must have the same.
const version = 1

// Kinds of messages: see the package comment.
const (
	kindHello    = "hello"
	kindFiles    = "files"
	kindPrepare  = "prepare"
	kindReady    = "ready"
	kindGo       = "go"
	kindTaken    = "taken"
	kindFailed   = "failed"
	kindReleased = "released"
)

// Identity is what a program says of itself.
type Identity struct {
	Build string `json:"build"` // its version, for people
	// Formats are the versions of what programs pass on in files, by the name of the format: those in which
	// a predecessor has written, and the highest that a successor reads.
	Formats map[string]int `json:"formats,omitempty"`
}

// Taken is what a successor has taken over.
type Taken struct {
	Sessions int `json:"sessions"` // adopted
	Lost     int `json:"lost"`     // ended, because they could not be adopted
}

// message is a message of any kind, with the fields of that kind.
type message struct {
	Kind    string   `json:"kind"`
	Version int      `json:"version,omitempty"` // of hello
	Self    Identity `json:"self,omitzero"`     // of hello
	Names   []string `json:"names,omitempty"`   // of files: one for each descriptor
	Taken   Taken    `json:"taken,omitzero"`
	Reason  string   `json:"reason,omitempty"` // of failed
}

const (
	// maxFiles is the number of descriptors in a message; SCM_MAX_FD of the kernel is 253.
	maxFiles = 250
	// maxMessage is more than the longest message, in octets: maxFiles names.
	maxMessage = 128 << 10
	// maxName is the longest name of a file, in octets.
	maxName = 255
)

// errMessage reports a message that is not one, or comes out of turn.
var errMessage = errors.New("handover: malformed or unexpected message")

// peer is the other program.
type peer struct {
	conn *net.UnixConn
	buf  []byte
}

// newPeer returns the peer at the other end of a socket, which it closes.
func newPeer(socket *os.File) (*peer, error) {
	defer socket.Close()
	conn, err := net.FileConn(socket)
	if err != nil {
		return nil, fmt.Errorf("handover: %w", err)
	}
	unixConn, ok := conn.(*net.UnixConn)
	if !ok {
		conn.Close()
		return nil, fmt.Errorf("handover: %s is not a Unix socket", socket.Name())
	}
	return &peer{unixConn, make([]byte, maxMessage)}, nil
}

func (p *peer) close() { p.conn.Close() }

// send sends a message with descriptors.
func (p *peer) send(m message, files ...*os.File) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if len(text) > maxMessage {
		return fmt.Errorf("handover: a message of %d octets is too long", len(text))
	}
	var rights []byte
	return withDescriptors(files, nil, func(fds []int) error {
		if len(fds) > 0 {
			rights = unix.UnixRights(fds...)
		}
		_, _, err := p.conn.WriteMsgUnix(text, rights, nil)
		return err
	})
}

// withDescriptors calls do with the descriptors of files, which cannot be closed until it returns.
func withDescriptors(files []*os.File, fds []int, do func(fds []int) error) error {
	if len(files) == 0 {
		return do(fds)
	}
	raw, err := files[0].SyscallConn()
	if err != nil {
		return err
	}
	failed := raw.Control(func(fd uintptr) { err = withDescriptors(files[1:], append(fds, int(fd)), do) })
	return errors.Join(failed, err)
}

// sendFiles sends files with their names, in as many messages as necessary.
func (p *peer) sendFiles(files *Files) error {
	var names []string
	var all []*os.File
	for name, file := range files.All() {
		if len(name) > maxName {
			return fmt.Errorf("handover: the name %q is too long", name)
		}
		names, all = append(names, name), append(all, file)
	}
	for len(all) > 0 {
		n := min(maxFiles, len(all))
		if err := p.send(message{Kind: kindFiles, Names: names[:n]}, all[:n]...); err != nil {
			return err
		}
		names, all = names[n:], all[n:]
	}
	return nil
}

// receive receives a message with its descriptors. The error is io.EOF if the other program has ended.
func (p *peer) receive() (m message, files []*os.File, err error) {
	rights := make([]byte, unix.CmsgSpace(4*maxFiles))
	n, nr, flags, _, err := p.conn.ReadMsgUnix(p.buf, rights)
	if err != nil {
		if errors.Is(err, unix.ECONNRESET) {
			err = io.EOF
		}
		return m, nil, err
	}
	if files, err = parseRights(rights[:nr]); err != nil {
		return m, nil, err
	}
	switch {
	case n == 0:
		err = io.EOF
	case flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0, json.Unmarshal(p.buf[:n], &m) != nil, len(files) != len(m.Names):
		err = errMessage
	}
	if err != nil {
		closeAll(files)
		return message{}, nil, err
	}
	return m, files, nil
}

// parseRights returns the descriptors in a control message. Programs that this one starts do not
// inherit them (package net sets MSG_CMSG_CLOEXEC).
func parseRights(b []byte) (files []*os.File, err error) {
	messages, err := unix.ParseSocketControlMessage(b)
	if err != nil {
		return nil, errMessage
	}
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			continue // credentials, which nobody has asked for
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "handover"))
		}
	}
	return files, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// receiveFiles receives files until a message of a kind.
func (p *peer) receiveFiles(until string) (*Files, error) {
	all := &Files{}
	for {
		m, files, err := p.receive()
		switch {
		case err != nil:
			all.Close()
			return nil, err
		case m.Kind == until && len(files) == 0:
			return all, nil
		case m.Kind != kindFiles || slices.ContainsFunc(m.Names, func(n string) bool { return n == "" || len(n) > maxName }):
			closeAll(files)
			all.Close()
			return nil, errMessage
		}
		for i, name := range m.Names {
			all.Add(name, files[i])
		}
	}
}

// deadline limits the time of what is sent and received from now on; 0: no limit.
func (p *peer) deadline(after time.Duration) {
	var at time.Time
	if after > 0 {
		at = time.Now().Add(after)
	}
	p.conn.SetDeadline(at)
}
