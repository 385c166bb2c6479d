// Package capture writes the frames of a program's ports to a pcapng file: those of discovery (RFC 2516), PPP's
// control packets and, if wanted, data packets that pass user space. Lines of the log are comments of the
// frames before them. Passwords of PAP are masked.
package capture

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"upppoe/internal/capture/pcapngwriter"
)

// Config configures a Capture.
type Config struct {
	pcapngwriter.Config
	// Data captures data packets too, ShowPasswords writes passwords as they are.
	Data, ShowPasswords bool
	// Report is called, once, when the file cannot be written any more: the capture ends then. It may block.
	Report func(error)
}

// Capture is an open capture. Its methods may be called concurrently and do not block, except Close: a
// goroutine writes the file. Methods of a nil Capture do nothing.
type Capture struct {
	cfg     Config
	file    *pcapngwriter.File // used by write only
	queue   chan pcapngwriter.Packet
	size    atomic.Int64  // of queued frames, in octets
	dropped atomic.Uint64 // frames that the queue had no room for, since the last packet that it had
	failed  atomic.Bool

	once  sync.Once
	end   chan struct{} // closed by Close
	ended chan struct{} // closed when the file is closed
}

// Bounds of the queue.
const (
	maxQueued = 4096
	maxOctets = 4 << 20
)

// settleTime is how long a frame waits for comments before it is written.
const settleTime = 200 * time.Millisecond

// Open creates the file, and starts the goroutine, which ends with Close.
func Open(cfg Config) (*Capture, error) {
	if !cfg.ShowPasswords {
		cfg.Comment = strings.TrimSpace(cfg.Comment + " PAP passwords are masked: their frames are not as long as they were.")
	}
	file, err := pcapngwriter.Open(cfg.Config)
	if err != nil {
		return nil, err
	}
	c := &Capture{cfg: cfg, file: file, queue: make(chan pcapngwriter.Packet, maxQueued), end: make(chan struct{}), ended: make(chan struct{})}
	go c.write()
	return c, nil
}

// Comment adds a comment to the last frame if that is recent, or else on its own.
func (c *Capture) Comment(text string) {
	if text = strings.TrimSuffix(text, "\n"); c != nil && text != "" {
		c.put(pcapngwriter.Packet{Time: time.Now(), Interface: c.cfg.Interface, Comments: []string{text}})
	}
}

// Write adds each line of a log as a comment.
func (c *Capture) Write(lines []byte) (int, error) {
	for line := range strings.Lines(string(lines)) {
		c.Comment(line)
	}
	return len(lines), nil
}

// put queues a packet, or drops it.
func (c *Capture) put(p pcapngwriter.Packet) {
	if c.failed.Load() {
		return
	}
	n := int64(len(p.Data))
	if c.size.Add(n) > maxOctets {
		c.drop(n)
		return
	}
	dropped := c.dropped.Swap(0)
	p.Dropped = dropped
	select {
	case c.queue <- p:
	default:
		c.dropped.Add(dropped)
		c.drop(n)
	}
}

func (c *Capture) drop(octets int64) {
	c.size.Add(-octets)
	c.dropped.Add(1)
}

// closeTimeout is how long a reader has for the last packets.
const closeTimeout = time.Second

// Close writes what is queued and closes the file. It waits for at most a second: a FIFO may have no reader.
func (c *Capture) Close() {
	if c == nil {
		return
	}
	c.once.Do(func() { close(c.end) })
	timer := time.NewTimer(closeTimeout)
	defer timer.Stop()
	select {
	case <-c.ended:
	case <-timer.C:
	}
}

// write writes packets until Close, or until the file cannot be written any more.
func (c *Capture) write() {
	defer close(c.ended)
	w := &settler{file: c.file}
	timer := time.NewTimer(settleTime)
	defer timer.Stop()
	for ended := false; !ended; {
		var err error
		select {
		case p := <-c.queue:
			err = c.take(w, p)
			timer.Reset(settleTime)
		case <-timer.C:
			err = w.settle()
		case <-c.end:
			ended, err = true, c.drain(w)
		}
		if err != nil {
			c.fail(err)
			return
		}
	}
	if err := c.file.Close(); err != nil {
		c.fail(err)
	}
}

func (c *Capture) take(w *settler, p pcapngwriter.Packet) error {
	c.size.Add(-int64(len(p.Data)))
	return w.add(p)
}

// drain writes what is queued.
func (c *Capture) drain(w *settler) (err error) {
	for err == nil {
		select {
		case p := <-c.queue:
			err = c.take(w, p)
		default:
			return w.settle()
		}
	}
	return err
}

// fail ends the capture.
func (c *Capture) fail(err error) {
	c.failed.Store(true)
	c.file.Close()
	if c.cfg.Report != nil {
		c.cfg.Report(fmt.Errorf("the capture ends: %w", err))
	}
}

// settler keeps the last packet until the comments on it have come.
type settler struct {
	file *pcapngwriter.File
	last pcapngwriter.Packet
	has  bool
}

// add adds a packet. Comments alone belong to the last packet, if there is one.
func (w *settler) add(p pcapngwriter.Packet) error {
	if w.has && len(p.Data) == 0 && p.Time.Sub(w.last.Time) < settleTime {
		w.last.Comments = append(w.last.Comments, p.Comments...)
		w.last.Dropped += p.Dropped
		return nil
	}
	err := w.writeLast()
	w.last, w.has = p, true
	return err
}

// settle writes the last packet, and what is buffered.
func (w *settler) settle() error {
	if err := w.writeLast(); err != nil {
		return err
	}
	return w.file.Flush()
}

func (w *settler) writeLast() error {
	if !w.has {
		return nil
	}
	w.has = false
	return w.file.Write(w.last)
}
