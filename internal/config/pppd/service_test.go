package pppd

import (
	"slices"
	"strings"
	"testing"
)

// TestServices: a service's options override the policy of all sessions, and an account's override
// both.
func TestServices(t *testing.T) {
	r := reader(Server, "")
	all, err := Lines("f", "service tin\nservice \"gold plus -- rate-down 100000 source-check\"\nrate-up 1000\nservice tin\nservice 'bad -- rate-up 1'\nservice 'bad -- rate-up 2'")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range all {
		if err := r.words(line); err != nil {
			t.Fatal(err)
		}
	}
	s := r.Settings
	if names := s.ServiceNames(); !slices.Equal(names, []string{"tin", "gold plus", "bad"}) {
		t.Errorf("services %q", names)
	}
	for _, c := range []struct {
		service, account string
		up, down         uint64
		check            bool
	}{
		{"", "", 1e6, 0, false}, {"tin", "", 1e6, 0, false}, {"other", "", 1e6, 0, false}, {"bad", "", 2e3, 0, false},
		{"gold plus", "", 1e6, 1e8, true}, {"gold plus", "rate-down 5 nosource-check", 1e6, 5e3, false}, {"tin", "rate-up 7", 7e3, 0, false},
	} {
		got, others, err := s.AccountPolicy(c.service, words(c.account))
		if err != nil || others || got.Up.Bits != c.up || got.Down.Bits != c.down || got.CheckSource != c.check {
			t.Errorf("service %q, account %q: %+v, %v, %v", c.service, c.account, got, others, err)
		}
	}
	if p := s.PolicyOf("gold plus"); p.Down.Bits != 1e8 {
		t.Errorf("without an account: %+v", p)
	}
}

func TestParseServiceErrors(t *testing.T) {
	for text, want := range map[string]string{
		"": "give a Service-Name", " -- rate-up 5": "give a Service-Name", "it's": "printable", "a\nb": "printable", strings.Repeat("a", 2000): "octets",
		"gold -- mtu 1400": "they may be source-check", "gold -- framed-route 192.0.2.0/24": "they may be source-check", "gold -- rate-upp 5": `did you mean "rate-up"`, "gold -- rate-up": "needs a value", "gold -- rate-up x": "between 0 and", "gold -- 'rate": "never closed",
	} {
		if s, err := ParseService(text); err == nil || !strings.Contains(err.Error(), want) || s.Name != "" && !strings.Contains(text, "'rate") {
			t.Errorf("%q: %+v, %v; want %s", text, s, err, want)
		}
	}
}

// FuzzParseService: a service that is read has a name and a policy.
func FuzzParseService(f *testing.F) {
	for _, s := range []string{"", "gold", "gold -- rate-up 5", "a -- -- b", "x -- source-allow 192.0.2.0/24 source-check", "x -- call y"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		service, err := ParseService(text)
		if err != nil {
			return
		}
		s := New()
		s.AddService(service)
		if _, others, err := s.AccountPolicy(service.Name, nil); service.Name == "" || others || err != nil {
			t.Errorf("%q: %+v, %v, %v", text, service, others, err)
		}
	})
}
