package ppp

// Signal is a set of actions for the layers above and below (RFC 1661 section 4.4). Most
// calls return the empty set.
type Signal uint8

// Signals.
const (
	LayerUp       Signal = 1 << iota // This-Layer-Up: the protocol has opened
	LayerDown                        // This-Layer-Down: it is no longer open
	LayerStarted                     // This-Layer-Started: it needs the layer below
	LayerFinished                    // This-Layer-Finished: it no longer needs the layer below
)

// Has reports whether the set contains all of the given signals.
func (s Signal) Has(of Signal) bool { return s&of == of }

// signals returns the signals among the actions.
func signals(do action) (s Signal) {
	for _, of := range [...]struct {
		action action
		signal Signal
	}{{tld, LayerDown}, {tlu, LayerUp}, {tls, LayerStarted}, {tlf, LayerFinished}} {
		if do&of.action != 0 {
			s |= of.signal
		}
	}
	return s
}
