package netconfig

import (
	"container/heap"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"upppoe/tun"
)

// deviceNames numbers the devices ppp0, ppp1, ... of sessions: each gets the lowest number that is
// free, as from the kernel for the name ppp%d. The kernel compares that with the names of all
// interfaces each time. The zero value is usable. It may be used concurrently.
type deviceNames struct {
	mu   sync.Mutex
	next int     // no number from here on has been used
	free numbers // those below next that are free
	// foreign are numbers that interfaces of others had. They count as free again from a time on.
	foreign   []int
	foreignTo time.Time
}

// foreignPeriod is how long a name that another interface has is not tried again.
const foreignPeriod = 10 * time.Second

// maxForeignNames is how many names that others have are tried for one device.
const maxForeignNames = 1000

// take takes the lowest number that is free.
func (n *deviceNames) take(now time.Time) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.foreign) > 0 && now.After(n.foreignTo) {
		for _, number := range n.foreign {
			heap.Push(&n.free, number)
		}
		n.foreign = nil
	}
	if len(n.free) > 0 {
		return heap.Pop(&n.free).(int)
	}
	n.next++
	return n.next - 1
}

// claim takes the number of a name that a device has; -1: it has none.
func (n *deviceNames) claim(name string) (number int) {
	if _, err := fmt.Sscanf(name, "ppp%d", &number); err != nil || name != fmt.Sprintf("ppp%d", number) {
		return -1
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for ; n.next <= number; n.next++ {
		heap.Push(&n.free, n.next)
	}
	if at := slices.Index(n.free, number); at >= 0 {
		heap.Remove(&n.free, at)
	}
	return number
}

// release frees a number.
func (n *deviceNames) release(number int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	heap.Push(&n.free, number)
}

// setForeign records that another interface has the name of a number that was taken.
func (n *deviceNames) setForeign(number int, now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.foreign) == 0 {
		n.foreignTo = now.Add(foreignPeriod)
	}
	n.foreign = append(n.foreign, number)
}

// open calls a function with the first name that no interface has, until the function does not
// return tun.ErrNameTaken: an interface may have got the name meanwhile. It returns the number of
// the name, which is to be released. After too many tries the name is empty, and the number -1.
func (n *deviceNames) open(open func(name string) error) (number int, err error) {
	for range maxForeignNames {
		number = n.take(time.Now())
		switch err = open(fmt.Sprintf("ppp%d", number)); {
		case err == nil:
			return number, nil
		case !errors.Is(err, tun.ErrNameTaken):
			n.release(number)
			return -1, err
		}
		n.setForeign(number, time.Now())
	}
	return -1, open("")
}

// numbers is a heap.
type numbers []int

func (n numbers) Len() int           { return len(n) }
func (n numbers) Less(i, j int) bool { return n[i] < n[j] }
func (n numbers) Swap(i, j int)      { n[i], n[j] = n[j], n[i] }
func (n *numbers) Push(x any)        { *n = append(*n, x.(int)) }

func (n *numbers) Pop() any {
	last := len(*n) - 1
	x := (*n)[last]
	*n = (*n)[:last]
	return x
}
