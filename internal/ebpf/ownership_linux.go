package ebpf

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"upppoe/internal/host/undolog"
)

// ownership is what has been switched at an Ethernet interface that serves PPPoE alone, to be put
// back. A process that is killed puts nothing back, and leaves that to Restore: the interface is
// then as right as before, and only slower for what is not PPPoE.
type ownership struct {
	name    string
	index   int
	changes []featureChange
	undo    *undolog.LockedFile // nil: nothing is remembered
}

// featureChange are features that were off and are on, or were on and are off.
type featureChange struct {
	features []string
	on       bool
}

// Features of ethtool. What the network card would cut gets a wrong LENGTH; where the kernel
// does it, most packets need no detour. Packets whose header XDP has taken off the kernel joins.
var (
	tsoFeatures = []string{"tx-tcp-segmentation", "tx-tcp-ecn-segmentation", "tx-tcp-mangleid-segmentation", "tx-tcp6-segmentation"}
	groFeatures = []string{"rx-gro"}
)

// takeOwnership makes an interface as PPPoE has it best, and says how that is, and why not better.
func (e *Engine) takeOwnership(name string, index int, memory string) string {
	e.ownership.name, e.ownership.index = name, index
	if err := e.ownership.openUndo(memory); err != nil {
		e.notify(fmt.Sprintf("%s: what is switched there by ethtool will not be put back after a crash: %v", name, err))
	}
	about := "receive in XDP"
	err := e.hooks.attachXDP(index, "xdp", receiveXDP(e.rxSessions.FD(), e.counters.FD()))
	if err != nil {
		about = fmt.Sprintf("receive in TC, and not in XDP: %v", err)
	} else if err := e.ownership.set(e.ethtool, groFeatures, true); err != nil {
		about += fmt.Sprintf(", packets not joined: `ethtool -K %s gro on`: %v", name, err)
	}
	if err := e.ownership.set(e.ethtool, tsoFeatures, false); err != nil {
		about += fmt.Sprintf("; `ethtool -K %s tso off`: %v", name, err)
	}
	return about
}

// errFixed: the driver does not let a feature be switched.
var errFixed = errors.New("the driver keeps it as it is")

// set switches what is not as wanted.
func (o *ownership) set(t ethtool, words []string, on bool) error {
	before, err := t.features(o.name)
	if err != nil {
		return err
	}
	others := slices.DeleteFunc(slices.Clone(words), func(word string) bool { return before.enabled(word) == on })
	if len(others) == 0 {
		return nil
	}
	if err := o.record(featureChange{others, on}); err != nil {
		return err
	}
	if err := t.setFeatures(o.name, before, others, on); err != nil {
		return err
	}
	after, err := t.features(o.name)
	if err != nil {
		return err
	}
	done := slices.DeleteFunc(slices.Clone(others), func(word string) bool { return after.enabled(word) != on })
	if len(done) > 0 {
		o.changes = append(o.changes, featureChange{done, on})
	}
	if len(done) < len(others) {
		return errFixed
	}
	return nil
}

// restore puts everything back that is still as it was switched. Again it does nothing.
func (o *ownership) restore(t ethtool) (err error) {
	if index, failed := t.index(o.name); failed != nil || index != o.index {
		o.changes = nil // the interface has gone, and this may be another one of its name
	}
	for _, s := range slices.Backward(o.changes) {
		f, failed := t.features(o.name)
		if failed == nil {
			still := slices.DeleteFunc(slices.Clone(s.features), func(word string) bool { return f.enabled(word) != s.on })
			failed = t.setFeatures(o.name, f, still, !s.on)
		}
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("put back %s: %w", strings.Join(s.features, ", "), failed))
		}
	}
	o.changes = nil
	return errors.Join(err, o.closeUndo(err != nil))
}
