package netif

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestReconciler: a failure is retried, and logged once until it is resolved or changes.
func TestReconciler(t *testing.T) {
	var log bytes.Buffer
	var fails error
	k := NewReconciler("ppp0", func(time.Time, Config) error { return fails }, slog.New(slog.NewTextHandler(&log, nil)))
	for _, c := range []struct {
		fails  error
		logged int
	}{{nil, 0}, {errors.New("one"), 1}, {errors.New("one"), 1}, {errors.New("two"), 2}, {nil, 2}, {errors.New("two"), 3}} {
		fails = c.fails
		k.Reconcile(now, NewConfig())
		if got := strings.Count(log.String(), "trying again"); got != c.logged {
			t.Errorf("after %v logged %d times, want %d: %s", c.fails, got, c.logged, &log)
		}
		if next := k.Next(); (c.fails == nil) != next.IsZero() || c.fails != nil && next.Sub(now) != retryInterval {
			t.Errorf("after %v tries again at %v", c.fails, next)
		}
	}
}
