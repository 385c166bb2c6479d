// Package cluster decides which of several machines has the right to be the access concentrator that they
// share: the active machine. The others are standby.
//
// # Why two are never active
//
// The owner key in etcd names the active machine. Who writes it has a lease: the right to send until
// Timing.Lease less Timing.Guard after the moment at which it *began* to ask for the write, by its own
// clock (CLOCK_BOOTTIME, which no one sets, and which goes on while the machine sleeps). The owner renews
// it by writing the same value again; each write has the condition that the value is still its own. Another
// machine writes its name in place of it only if it has not seen the key change for the whole of the
// owner's lease, which it counts from the moment at which it had *received* the newest version; the write
// has the condition that this is still the version. So:
//
//   - etcd puts the writes in an order: either the owner's renewal comes first, and the other's write
//     fails, or the other's comes first, and the renewal, which was the last that could extend the lease,
//     fails.
//   - The winner begins at least Guard after the loser's deadline: the winner waits from the time when it
//     had the version that the loser asked for earlier. Guard covers what the two clocks differ in the
//     course of a lease, and frames that are already in a queue of the network card.
//   - The loser need do nothing to stop, and may be frozen: the deadline is set in advance, and is compared
//     with the clock for each batch of frames. The kernel compares it for each frame that leaves an interface
//     (ebpf.EgressFence), also of a batch that was compared before the program was frozen, and in its data path
//     for each packet. What the owner writes to etcd has the owner key as its condition, so that nothing of it
//     comes after the winner's.
//
// If the keys are deleted, as by mistake, the owner writes them again before its deadline, on condition that there
// is no owner key: no other machine writes one before, as it waits for a whole lease from when it sees that there
// is none. If there is no owner, a standby writes them when it becomes active, on condition that they are not there.
//
// A lease of etcd itself is not used. It has whole seconds, at least two, is found to have expired up to
// half a second later, begins anew when etcd elects a leader, and others do not see when it was renewed.
//
// # Without etcd
//
// The owner that cannot renew its lease asks all other machines, in frames on the segment, for consent: that
// they do not begin for Timing.Consent. A machine consents only while it cannot reach etcd itself, and
// remembers it: it does not write the owner key, whatever etcd says, before its last consent is over. An
// owner with the consent of *all* others, not one of which is over by its clock less Guard, may send without
// a lease: none of them may begin. So sessions go on while etcd is away from all; where it is away from the
// owner only, the others do not consent, and one of them takes over. When etcd is back, an owner has
// Timing.Grace to renew its lease before another that has consented writes the key.
//
// The machines are named in the configuration of each, and etcd has the same list: a machine whose list is
// another takes no part. A machine that begins waits for a whole lease after its first look at the key, so
// it need not remember what it consented to before it ended. A machine that is alone in the list needs no
// consent.
//
// Consent is authenticated (HMAC) by a secret in etcd and a nonce of the question, as clients share the
// segment.
//
// What is not covered: a hypervisor that stops a machine together with its clocks, and lets it go on later;
// where eBPF is not available, a batch of frames that the program has compared with the deadline, and hands to
// the kernel when it goes on.
package cluster
