package load

import "time"

// newcomers are clients that dial beside the sessions, one after the other: what a real client
// experiences meanwhile.
type newcomers struct {
	next int       // the next of the spare clients
	due  time.Time // when it dials
	busy bool      // one is dialling, or closing
}

// newcomerReport is how the newcomers fared.
type newcomerReport struct {
	Dials, Failed int
	Answered      PhaseReport // PADI to the first packet answered
}

// dialNewcomer dials the next newcomer, if it is due and the one before has ended.
func (g *Generator) dialNewcomer(now time.Time) {
	n := &g.newcomers
	if g.cfg.Newcomers == 0 || n.busy || now.Before(n.due) {
		return
	}
	n.due, n.busy = now.Add(g.cfg.Newcomers), true
	g.result.Newcomers.Dials++
	g.group.Dial(g.cfg.Sessions + n.next%extraClients)
	n.next++
}

func (g *Generator) isNewcomer(i int) bool { return i >= g.cfg.Sessions }

// newcomerAnswered ends the session of a newcomer once packets flow.
func (g *Generator) newcomerAnswered(i int, took time.Duration) {
	g.result.newcomers.add(took)
	g.group.Hangup(i)
}

// newcomerEnded handles the end of a newcomer's dial or session.
func (g *Generator) newcomerEnded(answered bool) {
	g.newcomers.busy = false
	if !answered && g.stage < Closing {
		g.result.Newcomers.Failed++
	}
}
