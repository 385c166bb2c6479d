package pppd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"upppoe/pppoe/limit"
	"upppoe/pppoe/wire"
)

// TestAccess: the options that limit clients and sessions, the last of a kind counts, and lists grow.
func TestAccess(t *testing.T) {
	r := reader(Server, "")
	if c := r.Settings.AccessConfig(); c.Clients != (limit.Clients{}) || c.PADODelay != nil || c.PADIs != (limit.Limits{}) {
		t.Errorf("by default: %+v", c)
	}
	file := filepath.Join(t.TempDir(), "macs")
	if err := os.WriteFile(file, []byte("# ours\r\n02:00:5f # a vendor\n\n  02:00:60:00:00:00/40\n02:00:61:00:00:01"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := r.words(words("mac-allow 02:00:5e,@" + file + " mac-deny 02:00:5e:00:53:01 mac-deny 02:00:5f:01 session-limit interface=9,vlan=8 half-open-limit total=7 " +
		"padi-limit vlan=1 padi-limit client=6,vlan=none padr-limit interface=5 pado-delay 0,100:5")); err != nil {
		t.Fatal(err)
	}
	c := r.Settings.AccessConfig()
	if c.Sessions != (limit.Limits{Interface: 9, VLAN: 8}) || c.HalfOpen != (limit.Limits{Total: 7}) || c.PADIs != (limit.Limits{Client: 6, VLAN: -1}) || c.PADRs != (limit.Limits{Interface: 5}) {
		t.Errorf("limits %+v", c)
	}
	if d, answer := c.PADODelay.At(5); d != 100*time.Millisecond || !answer {
		t.Errorf("delay %v, %v", d, answer)
	}
	for a, want := range map[wire.Addr]bool{
		{2, 0, 0x5e, 0, 0x53, 2}: true, {2, 0, 0x5e, 0, 0x53, 1}: false, {2, 0, 0x5f, 0}: true, {2, 0, 0x5f, 1}: false,
		{2, 0, 0x60, 0, 0, 255}: true, {2, 0, 0x60, 0, 1}: false, {2, 0, 0x61, 0, 0, 1}: true, {2, 0, 0x61, 0, 0, 2}: false,
	} {
		if got := c.Clients.Admit(a) == nil; got != want {
			t.Errorf("%v is answered: %v", a, got)
		}
	}
}

// TestEmptyMACAllow: a list of nobody allows nobody.
func TestEmptyMACAllow(t *testing.T) {
	r := reader(Server, "")
	if err := r.words(words("mac-allow @/dev/null")); err == nil {
		t.Error("a device is read as a list")
	}
	file := filepath.Join(t.TempDir(), "macs")
	if err := os.WriteFile(file, []byte("# none\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := r.words(words("mac-allow @" + file)); err != nil {
		t.Fatal(err)
	}
	if err := r.Settings.AccessConfig().Clients.Admit(wire.Addr{2}); err != limit.ErrDenied {
		t.Errorf("%v", err)
	}
}

// TestBadAccess: the error for an invalid value says what is valid, and where it is.
func TestBadAccess(t *testing.T) {
	file := filepath.Join(t.TempDir(), "macs")
	if err := os.WriteFile(file, []byte("02:00:5e\n\n2:0:5e\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"mac-allow x": "give an Ethernet address like", "mac-deny 02:00:5e,": "give an Ethernet address like", "mac-deny @" + file: file + ":3: \"2:0:5e\": give an Ethernet address",
		"mac-deny @/no/such": "no such file", "session-limit total=5": "is -N", "session-limit client=5": "is -x", "session-limit 5": "give limits like", "half-open-limit vlan=0": "between 1 and 1000000",
		"padi-limit x=1": "total, interface, vlan or client", "padr-limit vlan=1,vlan=2": "two limits", "pado-delay soon": "milliseconds", "pado-delay 0,5": "DELAY:SESSIONS",
		"service \"\"": "give a Service-Name", "service": "service SERVICE",
	} {
		all, err := Lines("f", text)
		if err != nil {
			t.Fatal(err)
		}
		if err := reader(Server, "").words(all[0]); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "f:1: ") {
			t.Errorf("%q: %v; want %s", text, err, want)
		}
	}
}

// FuzzAddrFile: a file of addresses is read, or the error names it and one of its lines.
func FuzzAddrFile(f *testing.F) {
	for _, s := range []string{"", "02:00:5e\n", "# x\n\n02", "02:00:5e/24 # y", "\xff\xfe0"} {
		f.Add(s)
	}
	file := filepath.Join(f.TempDir(), "macs")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		all, err := readAddrFile(file)
		if err != nil && !strings.Contains(err.Error(), file) {
			t.Errorf("%v", err)
		}
		if len(all) > strings.Count(text, "\n")+1 {
			t.Errorf("%d addresses in %q", len(all), text)
		}
	})
}
