package explain

import (
	"fmt"
	"strings"
)

// run counts packets of data and echoes from one other event to the next: they share an event.
type run struct {
	active  bool
	packets [2]int
	echoes  [2]int // Echo-Requests
	replies [2]int // Echo-Replies
}

// trafficRun is the name of such an event.
const trafficRun = "traffic"

// inRun returns the run, which begins with a frame if there is none.
func (a *Analyzer) inRun(c *conversation, f *frame, s side) *run {
	if !c.run.active {
		stored := a.event(c, f, s, Event{What: trafficRun}) != nil
		c.run = run{active: stored}
	}
	return &c.run
}

// endRun writes the counts of a run into its event, which is the last one.
func (c *conversation) endRun() {
	if c.run.active {
		c.lastEvent().Text = c.run.text()
	}
	c.run = run{}
}

func (r *run) text() string {
	var all []string
	for _, s := range []side{0, 1} {
		if n := r.packets[s]; n > 0 {
			all = append(all, fmt.Sprintf("%s of data from %s", packets(n), the(s)))
		}
	}
	for _, s := range []side{0, 1} {
		asked, answers := r.echoes[s], r.replies[s.other()]
		switch {
		case asked > 0 && answers == asked:
			all = append(all, fmt.Sprintf("%s from %s, answered", plural(asked, "Echo-Request"), the(s)))
			continue
		case asked > 0:
			all = append(all, fmt.Sprintf("%s from %s", plural(asked, "Echo-Request"), the(s)))
		}
		if answers > 0 {
			all = append(all, fmt.Sprintf("%s from %s", replies(answers), the(s.other())))
		}
	}
	return strings.Join(all, "; ")
}

func replies(n int) string {
	if n == 1 {
		return "1 Echo-Reply"
	}
	return fmt.Sprintf("%d Echo-Replies", n)
}

// data counts a packet of a network protocol. One with comments is an event of its own.
func (a *Analyzer) data(c *conversation, f *frame, s side) {
	octets := f.length - 2 // without the Protocol field
	c.traffic[s].packets++
	c.traffic[s].octets += int64(octets)
	if len(f.comments) > 0 {
		a.event(c, f, s, Event{Protocol: "data", What: "data packet", Text: fmt.Sprintf("%d octets", octets)})
	} else {
		a.inRun(c, f, s).packets[s]++
	}
	c.checkSize(f, s, octets)
}

// checkSize looks for packets that are larger than the receiver's MRU.
func (c *conversation) checkSize(f *frame, s side, octets int) {
	receiver := &c.lcp().sides[s.other()]
	if !receiver.acked {
		return
	}
	if mru := mruOf(receiver.agreed); octets > mru {
		c.problem(f, "packet-above-mru", fmt.Sprintf("%s sent a packet of %d octets, but %s receives at most %d (its MRU).", upperThe(s), octets, the(s.other()), mru))
	}
}
