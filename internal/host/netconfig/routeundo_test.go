package netconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/internal/host/undolog"
	"upppoe/internal/roottest"
	"upppoe/pppoe"
)

// TestRouteAfterCrash: the default route that a killed session has replaced is restored when the
// next one begins, and at its end.
func TestRouteAfterCrash(t *testing.T) {
	roottest.Need(t, "ip")
	inNamespace(t, func(t *testing.T) {
		wan(t)
		ip(t, "route", "add", "default", "via", "10.0.0.1", "dev", "eth0", "proto", "dhcp", "metric", "100")
		ip(t, "route", "add", "default", "via", "10.0.0.2", "metric", "700")
		ip(t, "route", "add", "default", "via", "10.0.0.3", "metric", "900") // stays
		before := routes(t, "-4")
		log, output := newLog()
		h := &Configurer{DefaultRoute: true, ReplaceDefaultRoute: true, Metric: new(700), RouteUndoFile: filepath.Join(t.TempDir(), "routes"), Log: log}
		dial(t, h).Close() // and is killed: only the device goes
		if got := routes(t, "-4"); strings.Count(got, "default") != 1 {
			t.Fatalf("the routes are %s, want the one with metric 900", got)
		}
		dev, err := h.Open(pppoe.SessionInfo{})
		if err != nil {
			t.Fatal(err)
		}
		defer dev.Close()
		if got := routes(t, "-4"); got != before {
			t.Errorf("as the next session begins, the routes are\n%s\nthey were\n%s", got, before)
		}
		if !strings.Contains(output.String(), "restoring the default route via 10.0.0.1, which a session that was killed has replaced") {
			t.Errorf("the log says %s", output)
		}
		info := pppoe.SessionInfo{Device: "ppp0"}
		if err := h.Configure(info, pppoe.Addressing{}, agreed); err != nil {
			t.Fatal(err)
		}
		dev.Close()
		h.Close(info, agreed)
		if got := routes(t, "-4"); got != before {
			t.Errorf("at its end, the routes are\n%s\nthey were\n%s", got, before)
		}
		if _, err := os.Stat(h.RouteUndoFile); !os.IsNotExist(err) {
			t.Errorf("the memory is left behind: %v", err)
		}
	})
}

// TestRouteUndoInvalid: records that do not apply any more, or are invalid, restore nothing and do
// not prevent a session.
func TestRouteUndoInvalid(t *testing.T) {
	roottest.Need(t, "ip")
	id, err := undolog.BootID()
	if err != nil {
		t.Fatal(err)
	}
	boot := id + "\n"
	for _, c := range []struct {
		what   string
		change func(t *testing.T, text string) string
		says   string
		want   string // default route
	}{
		{"another boot", func(_ *testing.T, text string) string { return strings.Replace(text, boot, "another\n", 1) }, "", ""},
		{"another interface", func(_ *testing.T, text string) string { return strings.Replace(text, "eth0", "eth7", 1) }, "", ""},
		{"another route by now", func(t *testing.T, text string) string {
			ip(t, "route", "add", "default", "via", "10.0.0.2")
			return text
		}, "", "via 10.0.0.2"},
		{"rubbish", func(_ *testing.T, text string) string { return boot + "eth0 zz\n" }, "restore the default route: ", ""},
		{"cut short", func(_ *testing.T, text string) string { return boot + "eth0 0200\n" }, "restore the default route: ", ""},
		{"empty", func(*testing.T, string) string { return "" }, "", ""},
	} {
		inNamespace(t, func(t *testing.T) {
			wan(t)
			ip(t, "route", "add", "default", "via", "10.0.0.1")
			log, output := newLog()
			h := &Configurer{DefaultRoute: true, ReplaceDefaultRoute: true, RouteUndoFile: filepath.Join(t.TempDir(), "routes"), Log: log}
			dial(t, h).Close() // and is killed
			text, err := os.ReadFile(h.RouteUndoFile)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(h.RouteUndoFile, []byte(c.change(t, string(text))), 0o600); err != nil {
				t.Fatal(err)
			}
			output.Reset()
			dev, err := h.Open(pppoe.SessionInfo{})
			if err != nil {
				t.Fatal(err)
			}
			defer dev.Close()
			if got, err := defaultRoute(); got != c.want {
				t.Errorf("%s: the default route goes %q, want %q (%v)", c.what, got, c.want, err)
			}
			if !strings.Contains(output.String(), c.says) || c.says == "" && output.Len() > 0 {
				t.Errorf("%s: the log says %q, want %q", c.what, output, c.says)
			}
		})
	}
}

// TestRouteUndoWriteFails: the session goes on, and the log says what will not be restored.
func TestRouteUndoWriteFails(t *testing.T) {
	roottest.Need(t, "ip")
	inNamespace(t, func(t *testing.T) {
		wan(t)
		ip(t, "route", "add", "default", "via", "10.0.0.1")
		log, output := newLog()
		dial(t, &Configurer{DefaultRoute: true, ReplaceDefaultRoute: true, RouteUndoFile: filepath.Join(t.TempDir(), "missing", "routes"), Log: log})
		if !strings.Contains(output.String(), "the default route via 10.0.0.1 will not be restored if this program is killed") {
			t.Errorf("the log says %s", output)
		}
		if got, err := defaultRoute(); got != "through ppp0" {
			t.Errorf("the default route goes %q, %v", got, err)
		}
	})
}
