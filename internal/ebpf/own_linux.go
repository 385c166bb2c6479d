package ebpf

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"upppoe/internal/host/undolog"
)

// own is what has been switched at an Ethernet interface that serves PPPoE alone, to be put
// back. A process that is killed puts nothing back, and leaves that to Restore: the interface is
// then as right as before, and only slower for what is not PPPoE.
type own struct {
	name     string
	index    int
	switched []switched
	memory   *undolog.LockedFile // nil: nothing is remembered
}

// switched are features that were off and are on, or were on and are off.
type switched struct {
	words []string
	on    bool
}

// Features of ethtool. What the network card would cut gets a wrong LENGTH; where the kernel
// does it, most packets need no detour. Packets whose header XDP has taken off the kernel joins.
var (
	cutting = []string{"tx-tcp-segmentation", "tx-tcp-ecn-segmentation", "tx-tcp-mangleid-segmentation", "tx-tcp6-segmentation"}
	joining = []string{"rx-gro"}
)

// take makes an interface as PPPoE has it best, and says how that is, and why not better.
func (e *Engine) take(name string, index int, memory string) string {
	e.own.name, e.own.index = name, index
	if err := e.own.hold(memory); err != nil {
		e.notice(fmt.Sprintf("%s: what is switched there by ethtool will not be put back after a crash: %v", name, err))
	}
	about := "receive in XDP"
	err := e.hooks.xdp(index, "xdp", receiveXDP(e.receiving.FD(), e.meters.FD()))
	if err != nil {
		about = fmt.Sprintf("receive in TC, and not in XDP: %v", err)
	} else if err := e.own.change(e.ethtool, joining, true); err != nil {
		about += fmt.Sprintf(", packets not joined: `ethtool -K %s gro on`: %v", name, err)
	}
	if err := e.own.change(e.ethtool, cutting, false); err != nil {
		about += fmt.Sprintf("; `ethtool -K %s tso off`: %v", name, err)
	}
	return about
}

// errFixed: the driver does not let a feature be switched.
var errFixed = errors.New("the driver keeps it as it is")

// change switches what is not as wanted.
func (o *own) change(t ethtool, words []string, on bool) error {
	before, err := t.features(o.name)
	if err != nil {
		return err
	}
	others := slices.DeleteFunc(slices.Clone(words), func(word string) bool { return before.does(word) == on })
	if len(others) == 0 {
		return nil
	}
	if err := o.remember(switched{others, on}); err != nil {
		return err
	}
	if err := t.switchFeatures(o.name, before, others, on); err != nil {
		return err
	}
	after, err := t.features(o.name)
	if err != nil {
		return err
	}
	done := slices.DeleteFunc(slices.Clone(others), func(word string) bool { return after.does(word) != on })
	if len(done) > 0 {
		o.switched = append(o.switched, switched{done, on})
	}
	if len(done) < len(others) {
		return errFixed
	}
	return nil
}

// back puts everything back that is still as it was switched. Again it does nothing.
func (o *own) back(t ethtool) (err error) {
	if index, failed := t.index(o.name); failed != nil || index != o.index {
		o.switched = nil // the interface has gone, and this may be another one of its name
	}
	for _, s := range slices.Backward(o.switched) {
		f, failed := t.features(o.name)
		if failed == nil {
			still := slices.DeleteFunc(slices.Clone(s.words), func(word string) bool { return f.does(word) != s.on })
			failed = t.switchFeatures(o.name, f, still, !s.on)
		}
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("put back %s: %w", strings.Join(s.words, ", "), failed))
		}
	}
	o.switched = nil
	return errors.Join(err, o.forget(err != nil))
}
