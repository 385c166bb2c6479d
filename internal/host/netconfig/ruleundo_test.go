package netconfig

import (
	"os"
	"path/filepath"
	"testing"

	"upppoe/internal/roottest"
	"upppoe/pppoe"
)

// TestRulesAfterCrash: the next session removes the rules of a program that was killed, and a
// session that ends leaves none.
func TestRulesAfterCrash(t *testing.T) {
	roottest.Need(t, "ip")
	inNamespace(t, func(t *testing.T) {
		log, output := newLog()
		memory := filepath.Join(t.TempDir(), "eth0.0.rules")
		rules := func() string { return ip(t, "-4", "rule", "show") + ip(t, "-6", "rule", "show") }
		before := rules()
		for i, killed := range []bool{true, true, false} {
			h := &Configurer{Name: "dsl0", Table: 100, PolicyRules: true, RuleUndoFile: memory, Log: log}
			info := pppoe.SessionInfo{Device: "dsl0"}
			dev, err := h.Open(info)
			if err != nil {
				t.Fatal(err)
			}
			if got := rules(); got != before {
				t.Errorf("dial %d finds\n%s\nwant\n%s", i, got, before)
			}
			want := agreed
			for range i / 2 { // the second one has the same address as the first
				want.IPv4.Local = want.IPv4.Local.Next()
			}
			if err := h.Configure(info, pppoe.Addressing{}, want); err != nil {
				t.Fatal(err)
			}
			if rules() == before {
				t.Error("there are no rules")
			}
			dev.Close()
			if !killed {
				h.Close(info, want)
			}
		}
		if got := rules(); got != before {
			t.Errorf("left behind:\n%s\nwant\n%s", got, before)
		}
		if left, _ := os.ReadDir(filepath.Dir(memory)); len(left) > 0 || output.Len() > 0 {
			t.Errorf("left behind: %v; the log says %s", left, output)
		}
	})
}
