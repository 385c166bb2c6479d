package radius

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// replaceServers makes a client use a configuration.
func replaceServers(t *testing.T, c *Client, cfg ClientConfig) {
	t.Helper()
	cfg.Listen = c.current.cfg.Listen
	replace, err := c.Prepare(cfg)
	if err != nil {
		t.Fatal(err)
	}
	replace()
}

// TestReplace: requests that have begun get the answers of the old server, whose sockets are closed after
// them; new requests go to the new one. Close ends both.
func TestReplace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{}
		client := newTestClient(t, n, ClientConfig{Servers: []Server{{first, secret}}, MaxOutstanding: 2})
		defer client.Close()
		results := make(chan error, 4)
		exchange := func() {
			_, err := client.Exchange(t.Context(), access)
			results <- err
		}
		for range 3 { // two are sent, one waits
			go exchange()
		}
		synctest.Wait()
		replaceServers(t, client, ClientConfig{Servers: []Server{{second, secret}}})
		go exchange()
		synctest.Wait()
		sent := n.sent()
		if len(sent) != 3 || sent[2].server != second {
			t.Fatalf("%d requests are sent", len(sent))
		}
		if s := client.Stats(); s.Outstanding != 3 || s.Queued != 1 || len(s.Servers) != 1 || s.Servers[0].Addr != second {
			t.Errorf("%+v", s)
		}
		n.mu.Lock()
		n.handle = accept1
		n.mu.Unlock()
		for _, d := range sent {
			accept1(d, 0)
		}
		for range 4 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		if !socketClosed(sent[0].socket) || socketClosed(sent[2].socket) || len(client.sets()) != 1 {
			t.Errorf("closed: %v, %v; %d sets", socketClosed(sent[0].socket), socketClosed(sent[2].socket), len(client.sets()))
		}
	})
}

// TestReplaceUnanswered: a request to an old server that never answers fails as it would have, and its
// socket is closed then.
func TestReplaceUnanswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{}
		client := newTestClient(t, n, ClientConfig{Servers: []Server{{first, secret}}})
		defer client.Close()
		result := make(chan error)
		go func() { _, err := client.Exchange(context.Background(), access); result <- err }()
		synctest.Wait()
		replaceServers(t, client, ClientConfig{Servers: []Server{{first, []byte("another")}}})
		if err := <-result; !errors.Is(err, ErrNoAnswer) {
			t.Error(err)
		}
		synctest.Wait()
		if !socketClosed(n.sent()[0].socket) || client.Stats().Servers[0].Dead {
			t.Errorf("closed: %v; %+v", socketClosed(n.sent()[0].socket), client.Stats())
		}
	})
}

// TestReplaceSame: the same values change nothing; another secret keeps the server's counters, and forgets
// that it did not answer; a wrong configuration is refused.
func TestReplaceSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{}
		cfg := ClientConfig{Servers: []Server{{first, []byte("another")}}, Transmissions: 1}
		client := newTestClient(t, n, cfg)
		defer client.Close()
		if _, err := client.Exchange(t.Context(), access); !errors.Is(err, ErrNoAnswer) {
			t.Error(err)
		}
		before := client.current
		cfg.Timeout = time.Second // the default
		if replaceServers(t, client, cfg); client.current != before {
			t.Error("the same values replace the servers")
		}
		if _, err := client.Prepare(ClientConfig{Servers: []Server{{first, nil}}}); !errors.Is(err, ErrConfig) {
			t.Error(err)
		}
		cfg.Servers = []Server{{first, secret}}
		replaceServers(t, client, cfg)
		if s := client.Stats().Servers[0]; s.Dead || s.Requests != 1 || s.Timeouts != 1 {
			t.Errorf("%+v", s)
		}
		n.handle = accept1
		if _, err := client.Exchange(t.Context(), access); err != nil || client.Stats().Servers[0].Requests != 2 {
			t.Errorf("%v, %+v", err, client.Stats())
		}
	})
}

func socketClosed(s *memorySocket) bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}
