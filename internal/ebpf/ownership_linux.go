package ebpf

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"upppoe/internal/host/undolog"
)

// ownership holds the offload settings changed at an exclusive Ethernet interface, to be restored.
// A killed process leaves them changed until Restore: the interface works as before, but traffic
// other than PPPoE may be slower.
type ownership struct {
	name    string
	index   int
	changes []featureChange
	undo    *undolog.LockedFile // nil: no undo record
}

// featureChange is a set of features that were switched on, or off.
type featureChange struct {
	features []string
	on       bool
}

// Names of ethtool features. A card that segments repeats a LENGTH that is wrong for the last
// segment; if the kernel segments, most packets need no segmentation device pair. The kernel
// coalesces (GRO) packets whose header XDP has removed.
var (
	tsoFeatures = []string{"tx-tcp-segmentation", "tx-tcp-ecn-segmentation", "tx-tcp-mangleid-segmentation", "tx-tcp6-segmentation"}
	groFeatures = []string{"rx-gro"}
)

// takeOwnership configures the interface for PPPoE, and returns a description of the result.
func (i *Interface) takeOwnership() string {
	name := i.name
	i.ownership.name, i.ownership.index = name, i.index
	if err := i.ownership.openUndo(i.engine.cfg.UndoDir); err != nil {
		i.engine.cfg.Notify(fmt.Sprintf("%s: no undo record: offload settings (ethtool) will not be restored after a crash: %v", name, err))
	}
	description := "receive in XDP"
	err := i.hooks.attachXDP(i.index, "xdp", receiveXDP(i.maps()))
	i.coalescing.disabled = i.coalescing.disabled || err == nil // the interface itself coalesces
	if err != nil {
		description = fmt.Sprintf("receive in TC, not in XDP: %v", err)
	} else if err := i.ownership.set(i.engine.ethtool, groFeatures, true); err != nil {
		description += fmt.Sprintf("; packets are not coalesced: `ethtool -K %s gro on`: %v", name, err)
	}
	if err := i.ownership.set(i.engine.ethtool, tsoFeatures, false); err != nil {
		description += fmt.Sprintf("; `ethtool -K %s tso off`: %v", name, err)
	}
	return description
}

// adopt takes over the changes of a predecessor that was killed, from the undo record.
func (o *ownership) adopt() {
	var record undoRecord
	if found, err := o.undo.Read(&record); err != nil || !found || record.Index != o.index {
		return
	}
	for _, c := range record.Changes {
		o.changes = append(o.changes, featureChange{c.Features, c.On})
	}
}

// errFixed: the driver does not allow a feature to be changed.
var errFixed = errors.New("the driver does not allow it")

// set switches the features that are not as wanted.
func (o *ownership) set(t ethtool, names []string, on bool) error {
	before, err := t.features(o.name)
	if err != nil {
		return err
	}
	wanted := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return before.enabled(name) == on })
	if len(wanted) == 0 {
		return nil
	}
	if err := o.record(featureChange{wanted, on}); err != nil {
		return err
	}
	if err := t.setFeatures(o.name, before, wanted, on); err != nil {
		return err
	}
	after, err := t.features(o.name)
	if err != nil {
		return err
	}
	done := slices.DeleteFunc(slices.Clone(wanted), func(name string) bool { return after.enabled(name) != on })
	if len(done) > 0 {
		o.changes = append(o.changes, featureChange{done, on})
	}
	if len(done) < len(wanted) {
		return errFixed
	}
	return nil
}

// restore undoes all changes of features that are still as they were set. It may be called again.
func (o *ownership) restore(t ethtool) (err error) {
	if index, failed := t.index(o.name); failed != nil || index != o.index {
		o.changes = nil // the interface has gone; this is another one with its name
	}
	for _, c := range slices.Backward(o.changes) {
		f, failed := t.features(o.name)
		if failed == nil {
			still := slices.DeleteFunc(slices.Clone(c.features), func(name string) bool { return f.enabled(name) != c.on })
			failed = t.setFeatures(o.name, f, still, !c.on)
		}
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("restore %s: %w", strings.Join(c.features, ", "), failed))
		}
	}
	o.changes = nil
	return errors.Join(err, o.closeUndo(err != nil))
}
