package ebpf

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// pins are maps and links in a directory of a BPF file system, where they outlive the process: without
// one, the kernel carries packets by them, and a successor takes them over. The methods of nil, and of
// pins that are disabled, do nothing.
type pins struct {
	root   string   // Config.Pin
	dir    string   // for one layout and network namespace; empty: nothing is pinned
	lock   *os.File // root, locked: one process has it
	leave  bool     // what is pinned stays when it is closed
	notify func(string)
	found  map[string]bool // names that a predecessor has left and nobody has used
}

// pinLayout is the number of the layout of maps, of what programs expect of each other, and of names
// here. What has another is removed.
const pinLayout = 1

// bpfDir is where BPF file systems are mounted.
const bpfDir = "/sys/fs/bpf"

// openPins opens a directory, which is created, for the network namespace of the caller. clean: what a
// predecessor has left is removed.
func openPins(root string, clean bool, notify func(string)) (*pins, error) {
	if err := mountBPF(root); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, err
	}
	var namespace unix.Stat_t
	if err := unix.Stat(netnsPath, &namespace); err != nil {
		return nil, err
	}
	p := &pins{root: root, dir: filepath.Join(root, fmt.Sprintf("layout%d-%d", pinLayout, namespace.Ino)), notify: notify}
	if err := p.take(); err != nil {
		return nil, err
	}
	if err := p.prepare(clean); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// mountBPF mounts the BPF file system if a directory is in none and is below bpfDir.
func mountBPF(dir string) error {
	at := dir
	for _, err := os.Stat(at); err != nil && at != filepath.Dir(at); _, err = os.Stat(at) {
		at = filepath.Dir(at)
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(at, &fs); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	switch {
	case uint32(fs.Type) == unix.BPF_FS_MAGIC:
		return nil
	case !strings.HasPrefix(dir, bpfDir+"/"):
		return fmt.Errorf("%s is in no BPF file system (mount -t bpf bpf DIRECTORY)", dir)
	}
	if err := unix.Mount("bpf", bpfDir, "bpf", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=0700"); err != nil {
		return fmt.Errorf("mount -t bpf bpf %s: %w", bpfDir, err)
	}
	return nil
}

// errPinned: another process has the directory.
var errPinned = errors.New("another program uses it")

// take locks the directory.
func (p *pins) take() error {
	if p.lock != nil {
		return nil
	}
	lock, err := os.Open(p.root)
	if err != nil {
		return err
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		lock.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = errPinned
		}
		return fmt.Errorf("%s: %w", p.root, err)
	}
	p.lock = lock
	here, err := os.Stat(p.root)
	locked, failed := lock.Stat()
	if err = errors.Join(err, failed); err != nil || !os.SameFile(here, locked) { // the last one has just removed it
		p.release()
		return errors.Join(err, fmt.Errorf("%s: %w", p.root, errPinned))
	}
	return nil
}

// setLeave sets whether what is pinned stays when it is closed.
func (p *pins) setLeave(leave bool) {
	if p != nil {
		p.leave = leave
	}
}

// release lets another process take the directory.
func (p *pins) release() {
	if p != nil && p.lock != nil {
		p.lock.Close()
		p.lock = nil
	}
}

// prepare removes what is of no use, and lists what is left.
func (p *pins) prepare(clean bool) error {
	all, err := os.ReadDir(p.root)
	if err != nil {
		return err
	}
	for _, entry := range all {
		if path := filepath.Join(p.root, entry.Name()); clean || path != p.dir {
			if err := os.RemoveAll(path); err != nil {
				return err
			}
		}
	}
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return err
	}
	left, err := os.ReadDir(p.dir)
	p.found = make(map[string]bool)
	for _, entry := range left {
		p.found[entry.Name()] = true
	}
	return err
}

// isEnabled reports whether maps and links are to be pinned.
func (p *pins) isEnabled() bool { return p != nil && p.dir != "" }

// staysPinned reports whether the process leaves all to a successor.
func (p *pins) staysPinned() bool { return p.isEnabled() && p.leave }

func (p *pins) path(name string) string { return filepath.Join(p.dir, name) }

// disable removes all pins, and pins nothing from now on.
func (p *pins) disable(why error) {
	if !p.isEnabled() {
		return
	}
	p.notify(fmt.Sprintf("%s: the kernel data path is not pinned, so that packets are lost while no program runs: %v", p.root, why))
	os.RemoveAll(p.dir)
	p.dir, p.found = "", nil
}

// discard removes what a predecessor has left and nobody has used.
func (p *pins) discard() {
	if !p.isEnabled() {
		return
	}
	for name := range p.found {
		os.Remove(p.path(name))
	}
	clear(p.found)
}

// remaining yields the names with a prefix that nobody has used, without it.
func (p *pins) remaining(prefix string) (all []string) {
	if p == nil {
		return nil
	}
	for name := range p.found {
		if rest, is := strings.CutPrefix(name, prefix); is {
			all = append(all, rest)
		}
	}
	return all
}

// openMap returns the map of a predecessor; nil: there is none of this kind.
func (p *pins) openMap(name string, spec *ebpf.MapSpec) *ebpf.Map {
	if !p.isEnabled() || !p.found[name] {
		return nil
	}
	m, err := ebpf.LoadPinnedMap(p.path(name), nil)
	if err != nil {
		return nil
	}
	if spec.Compatible(m) != nil {
		m.Close()
		return nil
	}
	return m
}

// pinMap pins a map, or disables pins.
func (p *pins) pinMap(name string, m *ebpf.Map) {
	if !p.isEnabled() {
		return
	}
	if err := m.Pin(p.path(name)); err != nil {
		p.disable(err)
	}
}

// closeMap closes a map, and removes its pin unless it is to stay.
func (p *pins) closeMap(m *ebpf.Map) error {
	if p.isEnabled() && !p.leave {
		m.Unpin() // fails if it is not pinned
	}
	return m.Close()
}

// openLink returns the link of a predecessor that is attached to an interface; nil: there is none.
func (p *pins) openLink(name string, index int) link.Link {
	if !p.isEnabled() || !p.found[name] {
		return nil
	}
	l, err := link.LoadPinnedLink(p.path(name), nil)
	if err != nil {
		return nil
	}
	if at := interfaceOf(l); at == 0 || index != anyIndex && at != index {
		l.Close()
		return nil
	}
	return l
}

// interfaceOf returns the index of the interface that a link is attached to; 0: it has gone.
func interfaceOf(l link.Link) int {
	info, err := l.Info()
	if err != nil {
		return 0
	}
	if tcx := info.TCX(); tcx != nil {
		return int(tcx.Ifindex)
	}
	if xdp := info.XDP(); xdp != nil {
		return int(xdp.Ifindex)
	}
	return 0
}

// attach attaches a program: it replaces that of the predecessor's link at once, or makes a link and
// pins it.
func (p *pins) attach(name string, index int, program *ebpf.Program, attach func() (link.Link, error)) (io.Closer, error) {
	if l := p.openLink(name, index); l != nil {
		delete(p.found, name)
		if err := l.Update(program); err == nil {
			return &pinnedLink{l, p}, nil
		}
		l.Unpin()
		l.Close()
	}
	l, err := attach()
	if err != nil {
		return nil, err
	}
	if p.isEnabled() {
		os.Remove(p.path(name))
		delete(p.found, name)
		if err := l.Pin(p.path(name)); err != nil {
			p.disable(err)
		}
	}
	return &pinnedLink{l, p}, nil
}

// pinnedLink is a link that may be pinned.
type pinnedLink struct {
	link link.Link
	pins *pins
}

// Close detaches the program, or leaves it attached if the pins stay.
func (l *pinnedLink) Close() error {
	if l.pins.isEnabled() && !l.pins.leave {
		l.link.Unpin()
	}
	return l.link.Close()
}

// close removes the directory unless the pins stay. It may be called again.
func (p *pins) close() {
	if p == nil || p.lock == nil {
		return
	}
	if !p.leave {
		os.RemoveAll(p.root)
		p.dir = ""
	}
	p.release()
}
