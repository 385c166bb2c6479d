package control

import (
	"fmt"
	"path/filepath"
	"testing"
)

// fakeHandler records its calls.
type fakeHandler struct{ said chan string }

func (p *fakeHandler) Status() []byte             { return []byte(`{"state":"online"}`) }
func (p *fakeHandler) DroppedEvents(n int) []byte { return fmt.Appendf(nil, `{"missed":%d}`, n) }
func (p *fakeHandler) Stop()                      { p.said <- "stop" }
func (p *fakeHandler) RecentEvents() []byte       { return []byte("{}\n") }
func (p *fakeHandler) HangUp()                    { p.said <- "hangup" }

func listen(t *testing.T) (dir string, s *Server, p *fakeHandler, log *LogRing) {
	t.Helper()
	dir, p, log = filepath.Join(t.TempDir(), "run"), &fakeHandler{make(chan string, 1)}, NewLogRing()
	s, err := ListenClient(dir, p, log)
	if err != nil {
		t.Fatal(err)
	}
	return dir, s, p, log
}

// lines passes on what is written to it.
type lines chan string

func (l lines) Write(b []byte) (int, error) {
	l <- string(b)
	return len(b), nil
}
