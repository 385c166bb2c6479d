package ebpf

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// filter is a program at a hook of the clsact queueing discipline, for kernels without TCX.
type filter struct {
	at          netlink.FilterAttrs
	id          int  // the program's
	addedClsact bool // clsact did not exist before
}

// lowestPriority is the priority of our filters: filters of other programs see packets first, and
// may decide.
const lowestPriority = 0xffff

// filterName is the name of our filters in `tc filter show`.
const filterName = "upppoe"

var clsactParents = map[ebpf.AttachType]uint32{ingress: netlink.HANDLE_MIN_INGRESS, egress: netlink.HANDLE_MIN_EGRESS}

// newFilter attaches a program to an interface of the caller's network namespace. A filter outlives
// the process, so the program must be a stub.
func newFilter(index int, where ebpf.AttachType, stub *ebpf.Program) (*filter, error) {
	f := &filter{at: netlink.FilterAttrs{LinkIndex: index, Parent: clsactParents[where], Priority: lowestPriority, Protocol: unix.ETH_P_ALL}}
	info, err := stub.Info()
	if err != nil {
		return nil, err
	}
	id, _ := info.ID()
	f.id = int(id)
	if err := f.addClsact(where); err != nil {
		return nil, fmt.Errorf("queueing discipline clsact: %w", err)
	}
	f.remove(stale)
	err = netlink.FilterAdd(&netlink.BpfFilter{FilterAttrs: f.at, Fd: stub.FD(), Name: filterName, DirectAction: true})
	if err != nil {
		f.removeClsact()
		return nil, fmt.Errorf("filter of clsact: %w", err)
	}
	return f, nil
}

// addClsact adds the clsact queueing discipline if it does not exist. The ingress queueing
// discipline may be in its place; it would run egress filters at ingress.
func (f *filter) addClsact(where ebpf.AttachType) error {
	err := netlink.QdiscAdd(f.clsact())
	if f.addedClsact = err == nil; f.addedClsact || !errors.Is(err, unix.EEXIST) {
		return err
	}
	there, err := netlink.QdiscList(f.link())
	for _, q := range there {
		if q.Attrs().Parent == netlink.HANDLE_CLSACT && q.Type() != "clsact" && where == egress {
			return fmt.Errorf("%s is attached in its place: remove it to use clsact", q.Type())
		}
	}
	return err
}

// link returns the interface, with its index only.
func (f *filter) link() netlink.Link {
	return &netlink.GenericLink{LinkAttrs: netlink.LinkAttrs{Index: f.at.LinkIndex}}
}

// clsact is the queueing discipline, which queues nothing.
func (f *filter) clsact() *netlink.GenericQdisc {
	return &netlink.GenericQdisc{QdiscType: "clsact", QdiscAttrs: netlink.QdiscAttrs{
		LinkIndex: f.at.LinkIndex, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT,
	}}
}

// Close detaches the program, if the interface exists. In another network namespace it does
// nothing.
func (f *filter) Close() error {
	removed, err := f.remove(func(id int) bool { return id == f.id })
	if removed {
		f.removeClsact()
	}
	return err
}

// remove removes our filters at the same hook for whose programs the function returns true.
func (f *filter) remove(which func(program int) bool) (removed bool, err error) {
	there, err := netlink.FilterList(f.link(), f.at.Parent)
	if errors.Is(err, unix.ENODEV) || errors.Is(err, unix.EINVAL) {
		return false, nil // the interface or the queueing discipline has gone
	}
	for _, other := range there {
		if b, ok := other.(*netlink.BpfFilter); ok && b.Name == filterName && which(b.Id) {
			removed = true
			err = errors.Join(err, netlink.FilterDel(b))
		}
	}
	return removed, err
}

// removeClsact removes the queueing discipline if this filter added it and no filter is left.
func (f *filter) removeClsact() {
	if !f.addedClsact {
		return
	}
	for _, parent := range clsactParents {
		left, err := netlink.FilterList(f.link(), parent)
		if err != nil || len(left) > 0 {
			return
		}
	}
	netlink.QdiscDel(f.clsact())
}

// newStub returns a program that tail-calls another by a program array. The kernel clears such an
// array when no process has it open; then the stub continues with the next filter.
func newStub(program *ebpf.Program) (stub *ebpf.Program, progArray *ebpf.Map, err error) {
	progArray, err = ebpf.NewMap(&ebpf.MapSpec{Name: "pppoe_tail_call", Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		return nil, nil, fmt.Errorf("map pppoe_tail_call: %w", err)
	}
	// Before the stub is attached: a stub with an empty array counts as stale.
	if err = progArray.Put(uint32(0), program); err == nil {
		stub, err = ebpf.NewProgram(&ebpf.ProgramSpec{
			Name: "pppoe_tail_call", Type: ebpf.SchedCLS, License: "MIT",
			Instructions: asm.Instructions{
				asm.LoadMapPtr(asm.R2, progArray.FD()),
				asm.Mov.Imm(asm.R3, 0),
				asm.FnTailCall.Call(),
				asm.Mov.Imm(asm.R0, tcxNext),
				asm.Return(),
			},
		})
	}
	if err != nil {
		progArray.Close()
		return nil, nil, fmt.Errorf("program pppoe_tail_call: %w", err)
	}
	return stub, progArray, nil
}

// stale reports whether a program is a stub whose process has ended. Without the right to look
// (CAP_SYS_ADMIN) it returns false; the filter then stays, without effect.
func stale(program int) bool {
	p, err := ebpf.NewProgramFromID(ebpf.ProgramID(program))
	if err != nil {
		return false
	}
	defer p.Close()
	info, err := p.Info()
	if err != nil {
		return false
	}
	maps, _ := info.MapIDs()
	if len(maps) != 1 {
		return false
	}
	progArray, err := ebpf.NewMapFromID(maps[0])
	if err != nil {
		return false
	}
	defer progArray.Close()
	var to uint32
	return errors.Is(progArray.Lookup(uint32(0), &to), ebpf.ErrKeyNotExist)
}
