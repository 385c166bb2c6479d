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

	"upppoe/internal/process/passfd"
)

// version is that of the protocol. Both programs must have the same.
const version = 2

// Kinds of messages: see the package comment.
const (
	kindHello    = "hello"
	kindFiles    = "files"
	kindPrepare  = "prepare"
	kindReady    = "ready"
	kindGo       = "go"
	kindTaken    = "taken"
	kindCarries  = "carries"
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
	// maxMessage is more than the longest message, in octets: the names of all its files.
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
	conn, err := unixConn(socket)
	if err != nil {
		return nil, err
	}
	return &peer{conn, make([]byte, maxMessage)}, nil
}

// unixConn returns the connection of a socket, which it closes.
func unixConn(socket *os.File) (*net.UnixConn, error) {
	defer socket.Close()
	conn, err := net.FileConn(socket)
	if err != nil {
		return nil, fmt.Errorf("handover: %w", err)
	}
	its, ok := conn.(*net.UnixConn)
	if !ok {
		conn.Close()
		return nil, fmt.Errorf("handover: %s is not a Unix socket", socket.Name())
	}
	return its, nil
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
	return passfd.Send(p.conn, text, files...)
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
		n := min(passfd.MaxFiles, len(all))
		if err := p.send(message{Kind: kindFiles, Names: names[:n]}, all[:n]...); err != nil {
			return err
		}
		names, all = names[n:], all[n:]
	}
	return nil
}

// receive receives a message with its descriptors. The error is io.EOF if the other program has ended.
func (p *peer) receive() (m message, files []*os.File, err error) {
	n, files, err := passfd.Receive(p.conn, p.buf)
	switch {
	case errors.Is(err, unix.ECONNRESET):
		err = io.EOF
	case errors.Is(err, passfd.ErrTruncated), err == nil && (json.Unmarshal(p.buf[:n], &m) != nil || len(files) != len(m.Names)):
		err = errMessage
	}
	if err != nil {
		passfd.Close(files)
		return message{}, nil, err
	}
	return m, files, nil
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
			passfd.Close(files)
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
