package control

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestInherit: a successor goes on with the socket: a request that came before it is handled by it, and it
// removes the socket when it ends. Another socket is not used.
func TestInherit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.sock")
	before, err := Open(Config{Path: path, Handler: &fakeHandler{}, Log: NewLogRing()})
	if err != nil {
		t.Fatal(err)
	}
	answer := make(chan string)
	go func() {
		var b bytes.Buffer
		if err := RequestAt(path, "test", &b, 10*time.Second); err != nil {
			b.WriteString(err.Error())
		}
		answer <- b.String()
	}()
	listener, err := before.Listener()
	if err != nil {
		t.Fatal(err)
	}
	if err := before.Leave(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the socket was not left: %v", err)
	}
	after, err := Listen(Config{Path: path, Handler: &fakeHandler{}, Log: NewLogRing(), Inherited: listener, Requests: map[string]func(*Call){
		"test": func(c *Call) { c.Write([]byte("successor")) },
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got := <-answer; got != "successor" {
		t.Errorf("received %q", got)
	}
	if listener, err = after.Listener(); err != nil {
		t.Fatal(err)
	}
	other, err := Open(Config{Path: filepath.Join(t.TempDir(), "b.sock"), Handler: &fakeHandler{}, Log: NewLogRing(), Inherited: listener})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(other.Path()); err != nil {
		t.Errorf("the other socket: %v", err)
	}
	for _, s := range []*Server{after, other} {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(s.Path()); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", s.Path(), err)
		}
	}
}
