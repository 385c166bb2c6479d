package handover

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// socketEnv is the environment variable with the descriptor of the successor's socket.
const socketEnv = "UPPPOE_HANDOVER"

// Command is the first argument of a successor. A program that knows no handover does not know the
// argument either, and ends, instead of serving beside its predecessor.
const Command = "take-over"

// Successor is the side of the program that takes over.
type Successor struct{ peer *peer }

// Inherit returns the successor's side if a predecessor has started this program, else nil. Programs that
// it starts do not inherit the socket. It must be called once.
func Inherit() (*Successor, error) {
	word := os.Getenv(socketEnv)
	if word == "" {
		return nil, nil
	}
	os.Unsetenv(socketEnv)
	fd, err := strconv.Atoi(word)
	if err != nil || fd < 3 {
		return nil, fmt.Errorf("handover: %s is %q, and not a descriptor", socketEnv, word)
	}
	unix.CloseOnExec(fd)
	p, err := newPeer(os.NewFile(uintptr(fd), socketEnv))
	if err != nil {
		return nil, err
	}
	return &Successor{p}, nil
}

// Errors of a Successor.
var (
	// ErrVersion is wrapped by errors about a predecessor that is too old, or too new.
	ErrVersion = errors.New("the versions do not fit")
	// ErrPredecessorLost is returned by Hello if the predecessor has ended.
	ErrPredecessorLost = errors.New("handover: the predecessor has ended")
)

// Hello tells the predecessor who takes over, and returns the files that it passes on. If the programs do
// not fit, the predecessor is told why.
func (s *Successor) Hello(self Identity) (*Files, error) {
	m, _, err := s.peer.receive()
	switch {
	case err != nil:
		return nil, lost(err)
	case m.Kind != kindHello:
		return nil, errMessage
	}
	if err := fits(m, self); err != nil {
		s.Fail(err)
		return nil, err
	}
	if err := s.peer.send(message{Kind: kindHello, Version: version, Self: self}); err != nil {
		return nil, lost(err)
	}
	files, err := s.peer.receiveFiles(kindPrepare)
	return files, lost(err)
}

// fits reports whether a successor can read what its predecessor passes on.
func fits(predecessor message, self Identity) error {
	if predecessor.Version != version {
		return fmt.Errorf("%w: %s passes on by version %d of the protocol, and %s takes over by version %d: restart the service instead",
			ErrVersion, predecessor.Self.Build, predecessor.Version, self.Build, version)
	}
	for name, written := range predecessor.Self.Formats {
		if read := self.Formats[name]; written > read {
			return fmt.Errorf("%w: %s has stored its sessions in version %d of the format %q, of which %s reads up to %d: take a newer program, or restart the service",
				ErrVersion, predecessor.Self.Build, written, name, self.Build, read)
		}
	}
	return nil
}

// Fail tells the predecessor why this program cannot take over. It then goes on itself.
func (s *Successor) Fail(why error) {
	s.peer.send(message{Kind: kindFailed, Reason: why.Error()})
	s.peer.close()
}

// Ready tells the predecessor that everything can be taken over, and waits until it has suspended what it
// does. It returns the files that it passes on then. The predecessor may have been killed instead, which
// is no error: killed is true, and this program takes over what it has left. It must do nothing before
// that a running predecessor would notice.
func (s *Successor) Ready() (files *Files, killed bool, err error) {
	if err := s.peer.send(message{Kind: kindReady}); err != nil {
		return nil, false, lost(err)
	}
	files, err = s.peer.receiveFiles(kindGo)
	if errors.Is(err, io.EOF) {
		return &Files{}, true, nil
	}
	return files, false, err
}

// Taken tells the predecessor that this program serves. The predecessor cannot go on any more.
func (s *Successor) Taken(t Taken) error {
	return lost(s.peer.send(message{Kind: kindTaken, Taken: t}))
}

// Carries tells the predecessor that this program has all that it still does.
func (s *Successor) Carries() error { return lost(s.peer.send(message{Kind: kindCarries})) }

// WaitReleased waits until the predecessor has passed on everything, or has ended.
func (s *Successor) WaitReleased(timeout time.Duration) {
	s.peer.deadline(timeout)
	s.peer.receive() // whatever happens: this program serves
	s.peer.close()
}

// lost explains the end of the predecessor.
func lost(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) {
		return ErrPredecessorLost
	}
	return err
}
