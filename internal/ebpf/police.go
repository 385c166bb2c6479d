package ebpf

import (
	"time"

	"github.com/cilium/ebpf/asm"
)

// Offsets in the rates of a session: for each direction a token bucket, as in package datapath.
// fullAt is the time at which the bucket will be full, in 1/16 ns of CLOCK_MONOTONIC (the
// theoretical arrival time of GCRA, ITU-T I.371): one word, so that programs on all processors and
// user space can update it with a compare-and-swap.
const (
	bucketFullAt = 0  // 8
	bucketBits   = 8  // 8: bits per second; 0: no limit
	bucketSize   = 16 // 8: time to fill it, in 1/16 ns
	bucketLen    = 24

	ratesUp   = 0 // from the peer
	ratesDown = bucketLen
	ratesLen  = 2 * bucketLen
)

const (
	bucketTicks = 16 // per nanosecond
	// costFactor is the time in ticks in which the tokens for an octet arrive at 1 bit/s.
	costFactor = 8 * bucketTicks * int64(time.Second)
	// maxBucketTries limits the attempts to update a bucket. After that many updates by other
	// processors, the bucket is not full, and its cost can be added unconditionally.
	maxBucketTries = 8
)

// readClock stores the time of a clock, in ticks, at stackNow and in R0. R1 to R5 are clobbered.
func (p *program) readClock(clock asm.BuiltinFunc) {
	p.add(
		clock.Call(),
		asm.LSh.Imm(asm.R0, 4), // bucketTicks
		asm.StoreMem(asm.RFP, stackNow, asm.R0, asm.DWord),
	)
}

// police takes tokens for R9 octets from the bucket that R5 points to, at the time at stackNow, or
// jumps to a label if the bucket is empty. A bucket may become negative. R0 to R4 are clobbered.
func (p *program) police(exceeded string) {
	unlimited := p.newLabel()
	p.bucketCost(unlimited)
	p.add(
		asm.LoadMem(asm.R4, asm.RFP, stackNow, asm.DWord),
		asm.LoadMem(asm.R2, asm.R5, bucketSize, asm.DWord),
		asm.Add.Reg(asm.R2, asm.R4), // the bucket is empty if it will be full at R2 or later
		asm.LoadMem(asm.R0, asm.R5, bucketFullAt, asm.DWord),
	)
	for range maxBucketTries {
		later := p.newLabel()
		p.add(
			asm.StoreMem(asm.RFP, stackFullAt, asm.R0, asm.DWord),
			asm.Mov.Reg(asm.R1, asm.R0),
			asm.JSGT.Reg(asm.R1, asm.R4, later),
			asm.Mov.Reg(asm.R1, asm.R4),
		)
		p.label(later)
		p.add(
			asm.JSGE.Reg(asm.R1, asm.R2, exceeded),
			asm.Add.Reg(asm.R1, asm.R3),
			compareAndSwap(asm.R5, asm.R1, bucketFullAt), // R0: what the word was
			asm.LoadMem(asm.R1, asm.RFP, stackFullAt, asm.DWord),
			asm.JEq.Reg(asm.R0, asm.R1, unlimited),
		)
	}
	p.add(asm.AddAtomic.Mem(asm.R5, asm.R3, asm.DWord, bucketFullAt))
	p.label(unlimited)
}

// compareAndSwap replaces a word in memory by src if R0 equals it, and sets R0 to what it was.
func compareAndSwap(dst, src asm.Register, offset int16) asm.Instruction {
	ins := asm.CmpXchg.Mem(dst, src, asm.DWord, offset)
	ins.Constant = int64(asm.CmpXchg >> 8) // cilium/ebpf 0.22 encodes an addition without it
	return ins
}

// bucketCost computes in R3 the time in which the tokens for R9 octets arrive in the bucket that R5
// points to, or jumps to a label if there is no limit. R1 and R2 are clobbered.
func (p *program) bucketCost(unlimited string) {
	p.add(
		asm.LoadMem(asm.R2, asm.R5, bucketBits, asm.DWord),
		asm.JEq.Imm(asm.R2, 0, unlimited),
		asm.LoadImm(asm.R1, costFactor, asm.DWord),
		asm.Mov.Reg(asm.R3, asm.R9),
		asm.Mul.Reg(asm.R3, asm.R1),
		asm.Div.Reg(asm.R3, asm.R2),
	)
}

// policeReceived takes tokens for the R9 octets of a frame of the session in R7, or jumps to
// "exceeded". R8 and R9 are unchanged.
func (p *program) policeReceived(m *mapFDs, leave string) {
	p.skipUnless(rateLimited, "conforms")
	p.bucket(m, ratesUp, leave)
	p.police("exceeded")
	p.label("conforms")
}

// policeSent is policeReceived for a packet to send. A GSO packet that is long for the bucket is
// left to user space, which takes tokens for one segment after the other.
func (p *program) policeSent(m *mapFDs, leave string) {
	p.skipUnless(rateLimited, "conforms")
	p.bucket(m, ratesDown, leave)
	p.add(
		asm.LoadMem(asm.R1, asm.RFP, stackPackets, asm.DWord),
		asm.JLE.Imm(asm.R1, 1, "single segment"),
	)
	p.bucketCost("conforms")
	p.add(
		asm.LoadMem(asm.R2, asm.R5, bucketSize, asm.DWord),
		asm.Mov.Reg(asm.R1, asm.R2),
		asm.RSh.Imm(asm.R1, maxGSOShare),
		asm.JLE.Reg(asm.R3, asm.R1, "single segment"),
		asm.LoadMem(asm.R1, asm.RFP, stackNow, asm.DWord),
		asm.Add.Reg(asm.R2, asm.R1),
		asm.LoadMem(asm.R1, asm.R5, bucketFullAt, asm.DWord),
		asm.JSGE.Reg(asm.R1, asm.R2, "exceeded"),
		asm.Ja.Label(leave),
	)
	p.label("single segment")
	p.police("exceeded")
	p.label("conforms")
}

// maxGSOShare: a GSO packet of more than 1/8 of the bucket is segmented before it is policed. A
// bucket may become negative by one packet, which at 64 kbit/s would be 8 seconds' worth of tokens.
const maxGSOShare = 3

// bucket sets R5 to the bucket of a direction of the session in R7, and reads the clock: the time of the
// last timer interrupt, which costs less to read, unless the bucket is empty by that. So a bucket that is full
// may let pass what the rate gives in the time between two of them, 10 ms at most, in addition to its
// size. R0 to R4 are clobbered.
func (p *program) bucket(m *mapFDs, direction int32, leave string) {
	notEmpty := p.newLabel()
	p.lookupAt(m.rates, asm.R7, sessionSlot, leave)
	p.add(asm.Add.Imm(asm.R0, direction), asm.StoreMem(asm.RFP, stackBucket, asm.R0, asm.DWord))
	p.readClock(asm.FnKtimeGetCoarseNs)
	p.add(
		asm.LoadMem(asm.R5, asm.RFP, stackBucket, asm.DWord),
		asm.LoadMem(asm.R1, asm.R5, bucketSize, asm.DWord),
		asm.Add.Reg(asm.R1, asm.R0),
		asm.LoadMem(asm.R2, asm.R5, bucketFullAt, asm.DWord),
		asm.JSLT.Reg(asm.R2, asm.R1, notEmpty),
	)
	p.readClock(asm.FnKtimeGetNs)
	p.add(asm.LoadMem(asm.R5, asm.RFP, stackBucket, asm.DWord))
	p.label(notEmpty)
}
