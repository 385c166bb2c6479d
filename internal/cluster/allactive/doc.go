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
