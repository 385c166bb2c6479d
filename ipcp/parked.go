package ipcp

// Parked is what a negotiator needs beside its Config, which its owner has.
type Parked struct{ state state }

// Park returns what Unpark makes the same negotiator of.
func (n *Negotiator) Park() Parked { return Parked{n.state} }

// Unpark makes a negotiator that is part of another struct the one that was parked. The
// configuration is the same as before.
func (n *Negotiator) Unpark(cfg *Config, p *Parked) { *n = Negotiator{cfg, p.state} }
