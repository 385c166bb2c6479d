// Package allactive lets all machines of a cluster serve at a time: what one of them gives to a client, no
// other does.
//
// # Blocks
//
// The pools are divided into blocks: prefixes of block-size addresses, or of as many networks or delegated
// prefixes. A machine assigns addresses only of blocks that it has leased: the key of a block in etcd has the
// name of one machine, which has written it on the condition that there was no such key. A block is a prefix at
// a multiple of its size, so machines whose pools differ agree on what a block is; that they have the same size is
// checked, by the key "layout".
//
// The keys of a machine's blocks end with a lease of etcd, of Timing.Hold, which the machine renews all the
// time. The machine may use its blocks until Hold less Guard after the moment at which it *began* to ask for the
// last renewal, by its own clock (CLOCK_BOOTTIME, which no one sets). etcd ends the lease not before Hold after it
// has answered. So nobody else has a block while its machine uses it, if the clocks of the two do not differ by
// more than Guard in the course of Hold. The data path stops by itself at that deadline: see Config.Fence. A lease
// does not end while etcd is away, and begins anew when it is back.
//
// A program that starts again continues the lease of its machine, which is known by name and an identity that
// is kept on its disk. So it has its blocks again.
//
// It keeps the deadline and the blocks on its disk, for a program that starts while etcd is away, or before etcd has
// answered: type Kept. That goes on by them as the earlier program would have done, and for no longer: the deadline was
// confirmed by etcd, is of the same clock (the same boot), and is never later than the earlier program's own. A
// block is kept before a session has something of it, and kept no more before it is returned or given up, so
// whatever is read is this machine's until the deadline. The file of sessions, whose lock one program has, has the identity:
// a second program with the name has another identity and has kept nothing, and waits for etcd, which has it
// refused. One that took the name over, once the machine was not alive, has blocks of its own; the machine ends all its
// sessions when it sees that.
//
// # Claims
//
// What is not of a block must be claimed for each session, before its login is accepted: the user, of whose
// sessions there may be a number, addresses of accounts and RADIUS, and framed routes. A key of etcd has the
// name of the machine that has the session; it ends with the same lease. A machine that is alive has a second
// lease, of Timing.Live: without it others take its claims at once, as its clients dial again. A machine that is
// alive is asked, by a key that it watches, to end its session. When a machine returns to etcd, it compares what
// it has with the keys of its lease, and ends the sessions whose keys others have.
//
// # Without etcd
//
// Sessions go on until the deadline of the blocks. New ones have addresses of blocks that were leased in
// advance; their claims are made when etcd is back.
//
// # An etcd that has lost its data
//
// The key "identity" is drawn when the first machine finds etcd empty. While there is another than before,
// nobody leases a block that it has not had, until each machine of the list has written which blocks it has, or
// Hold is over: those of machines that cannot be reached could be given twice.
package allactive
