package main

import (
	"slices"
	"strings"

	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
)

// Bounds of the search of pairs of tags, of which there are 16 million: it takes five seconds at most.
const (
	maxPairs    = 10_000
	maxSeenTags = 8
)

// tagListener collects the tags of frames that arrive on an interface.
type tagListener struct {
	port *afpacket.Port
	seen []vlan.Stack // distinct, in order of arrival; owned by the reader until it is done
	done chan struct{}
}

// listenForTags begins to collect tags. It needs CAP_NET_RAW.
func listenForTags(iface string) (*tagListener, error) {
	port, err := afpacket.OpenTags(iface)
	if err != nil {
		return nil, err
	}
	l := &tagListener{port: port, done: make(chan struct{})}
	go func() {
		defer close(l.done)
		datapath.ReadFrames(port, 16, l.collect) // until the port is closed
	}()
	return l, nil
}

func (l *tagListener) collect(frames []datapath.Frame) {
	for _, f := range frames {
		tags, _, ok := vlan.Split(f.Data)
		if ok && tags.Depth() > 0 && tags[0].VID != 0 && len(l.seen) < maxSeenTags && !slices.Contains(l.seen, tags) {
			l.seen = append(l.seen, tags)
		}
	}
}

// close ends the collection, and returns the tags.
func (l *tagListener) close() []vlan.Stack {
	l.port.Close()
	<-l.done
	return l.seen
}

// pairSearch is what is asked in the search of pairs.
type pairSearch struct {
	pairs []vlan.Stack
	names []string // what pairs consists of, like 100.1-4094
}

// newPairSearch returns the pairs to ask, the likely ones first, for tags that are in use on the interface: these
// themselves, then each outer tag with all inner ones, then all outer tags with an inner one. What exceeds
// the bounds is left out.
func newPairSearch(used []vlan.Stack) (s pairSearch) {
	for _, u := range used {
		if u.Depth() == vlan.MaxDepth {
			s.add(u.String(), u)
		}
	}
	for _, u := range used {
		u[1] = vlan.Tag{TPID: vlan.CTag}
		s.addAll(u, 1, u.String())
	}
	for _, u := range used {
		if u.Depth() == vlan.MaxDepth {
			u[0].VID = 0
			s.addAll(u, 0, u.String())
		}
	}
	return s
}

// addAll adds a stack with all identifiers of the tag at an index; pattern is the stack's text with 0 for it.
func (s *pairSearch) addAll(of vlan.Stack, at int, pattern string) {
	const all = "1-4094"
	tags := strings.Split(pattern, ".")
	tags[at] = strings.TrimSuffix(tags[at], "0") + all
	pairs := make([]vlan.Stack, vlan.MaxVID)
	for i := range pairs {
		pairs[i] = of
		pairs[i][at].VID = uint16(i + 1)
	}
	s.add(strings.Join(tags, "."), pairs...)
}

// add adds pairs, unless they are there or exceed the bounds.
func (s *pairSearch) add(name string, pairs ...vlan.Stack) {
	if len(s.pairs)+len(pairs) > maxPairs || slices.Contains(s.names, name) {
		return
	}
	s.names = append(s.names, name)
	s.pairs = append(s.pairs, pairs...)
}

// String says what is asked.
func (s pairSearch) String() string {
	if len(s.names) == 0 {
		return "pairs of tags were not asked, as no frame with a tag arrived"
	}
	return "nor on the pairs of tags " + strings.Join(s.names, ", ") + ", by the tags of frames that arrived and of the option"
}
