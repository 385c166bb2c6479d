package ebpf

import (
	"errors"
	"testing"

	"upppoe/internal/roottest"
)

// TestExclusive: an exclusive interface is configured for PPPoE, and restored afterwards. Its other
// settings do not change.
func TestExclusive(t *testing.T) {
	roottest.Need(t, "ethtool")
	s := newNetwork(t, ethtoolSet("gro", "off", "tx-tcp-mangleid-segmentation", "off"))
	e := s.ends[0]
	if err := e.engine.Close(); err != nil {
		t.Fatal(err)
	}
	before := e.features()
	e.do(func() (err error) {
		e.engine, e.at, err = openAttached(Config{Sessions: 4, Exclusive: true})
		return err
	})
	during := e.features()
	for word, want := range map[string]bool{
		"tx-tcp-segmentation": false, "tx-tcp6-segmentation": false, "tx-tcp-mangleid-segmentation": false,
		"tx-udp-segmentation": true, "rx-gro": true, "tx-checksum-ip-generic": true,
	} {
		if got := during.enabled(word); got != want {
			t.Errorf("%s is %v while open", word, got)
		}
	}
	if description := e.at.Describe(); description != "receive in XDP" {
		t.Errorf("description: %s", description)
	}
	if err := e.engine.Close(); err != nil {
		t.Error(err)
	}
	if after := e.features(); after.active != before.active {
		t.Errorf("features were %x, are %x", before.active, after.active)
	}
}

// TestFixedFeature: a feature that the driver keeps fixed is reported and not restored.
func TestFixedFeature(t *testing.T) {
	s := newNetwork(t)
	o := ownership{name: "lo", index: 1} // whose features are fixed
	s.ends[0].do(func() error {
		e := s.ends[0].engine
		if err := o.set(e.ethtool, []string{"tx-checksum-ip-generic"}, false); !errors.Is(err, errFixed) {
			t.Errorf("the error is %v", err)
		}
		return o.restore(e.ethtool)
	})
	if len(o.changes) > 0 {
		t.Errorf("switched: %v", o.changes)
	}
}

// features returns the features of the Ethernet interface.
func (e *station) features() (f *features) {
	e.t.Helper()
	e.do(func() error {
		t, err := openEthtool()
		if err != nil {
			return err
		}
		defer t.close()
		f, err = t.features(ethernet)
		return err
	})
	return f
}
