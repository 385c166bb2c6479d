package lab

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// oneCPU is the state of OneCPU.
var oneCPU struct {
	sync.Mutex
	holders int
	before  unix.CPUSet // the CPUs of the program without OneCPU
}

// OneCPU keeps all threads of this program, and programs that it starts, on one CPU until release is
// called. Calls may overlap.
//
// Only then do veth pairs, and programs that redirect to an interface's ingress, keep packets in
// order: each CPU has a queue of its own there (netif_rx), which the kernel may leave for later under
// load. A sender that has moved to another CPU overtakes the packets that wait in the queue of the first.
func OneCPU() (release func(), err error) {
	oneCPU.Lock()
	defer oneCPU.Unlock()
	if oneCPU.holders == 0 {
		if err := unix.SchedGetaffinity(0, &oneCPU.before); err != nil {
			return nil, fmt.Errorf("get the CPU affinity: %w", err)
		}
		if err := setAffinity(pick(&oneCPU.before)); err != nil {
			return nil, errors.Join(err, setAffinity(&oneCPU.before))
		}
	}
	oneCPU.holders++
	return sync.OnceFunc(releaseOneCPU), nil
}

func releaseOneCPU() {
	oneCPU.Lock()
	defer oneCPU.Unlock()
	if oneCPU.holders--; oneCPU.holders == 0 {
		setAffinity(&oneCPU.before)
	}
}

// pick returns one CPU of a set; other programs get another.
func pick(of *unix.CPUSet) *unix.CPUSet {
	var one unix.CPUSet
	nth := os.Getpid() % of.Count()
	for cpu := 0; ; cpu++ {
		if !of.IsSet(cpu) {
			continue
		}
		if nth == 0 {
			one.Set(cpu)
			return &one
		}
		nth--
	}
}

// setAffinity sets the CPUs of all threads. A new thread inherits those of the thread that creates it,
// so this is repeated until all threads have them.
func setAffinity(cpus *unix.CPUSet) error {
	for changed := true; changed; {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		changed = false
		for _, t := range threads {
			one, err := setThreadAffinity(t.Name(), cpus)
			if err != nil {
				return fmt.Errorf("set the CPU affinity: %w", err)
			}
			changed = changed || one
		}
	}
	return nil
}

// setThreadAffinity reports whether a thread had other CPUs.
func setThreadAffinity(thread string, cpus *unix.CPUSet) (changed bool, err error) {
	id, err := strconv.Atoi(thread)
	if err != nil {
		return false, err
	}
	var have unix.CPUSet
	err = unix.SchedGetaffinity(id, &have)
	if err == nil && have != *cpus {
		changed, err = true, unix.SchedSetaffinity(id, cpus)
	}
	if errors.Is(err, unix.ESRCH) { // it has ended
		return false, nil
	}
	return changed, err
}
