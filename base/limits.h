// SPDX-License-Identifier: Apache-2.0
//
// Every bound of the project, in one place, grouped by the folder that keeps it. A name carries its
// unit. `...Default` is the initial value of an option; all others are fixed. Exceeding one of
// these gives an error that names the limit; nothing is cut off in silence.
#ifndef TRIDENT_BASE_LIMITS_H_
#define TRIDENT_BASE_LIMITS_H_

#include <cstddef>
#include <cstdint>

namespace trident {

inline constexpr int64_t kKiB = 1024;
inline constexpr int64_t kMiB = 1024 * kKiB;
inline constexpr int64_t kGiB = 1024 * kMiB;

// ---- proto: what crosses a process boundary ----

// The size of one unary message, either way. gRPC is told of it, and the fields are checked again
// after the parse.
inline constexpr int64_t kRpcMessageBytesMax = 16 * kMiB;
// The size of one answer. It holds a value of the greatest size (twice, if a user type is also
// rendered) and its key.
inline constexpr int64_t kRpcAnswerBytesMax = 36 * kMiB;
// Rows in one answer of a scan or a multi-get; a page token continues it.
inline constexpr int64_t kScanPageRowsMax = 10'000;
inline constexpr int64_t kScanPageBytesMax = 4 * kMiB;
inline constexpr int64_t kMultiGetKeysMax = 10'000;
// A multi-get of more keys than this is not answered on the network's threads, which stay free for
// other calls.
inline constexpr int64_t kMultiGetInlineKeysMax = 64;
// Scans stream pages of this size, so that a reader with the usual limit of 4 MiB takes them.
inline constexpr int64_t kScanStreamPageBytes = 1 * kMiB;
inline constexpr int64_t kScanStreamPageRowsDefault = 1'000;
// Threads for reads that may take long, and the number of multi-gets that may wait for one.
inline constexpr int32_t kReadThreads = 2;
inline constexpr int64_t kReadQueueMax = 1024;
// Threads for reads of states that are in several processes: they wait for these most of the time.
inline constexpr int32_t kFarReadThreads = 16;
// Calls of administration that wait for another process to answer.
inline constexpr int64_t kAdminCallsMax = 64;
// Scans and watches at once, over all clients of a server. Each of them keeps a txid readable.
inline constexpr int64_t kScansMax = 64;
inline constexpr int64_t kWatchesMax = 256;
// Reads that wait for a txid to be committed, and how long one waits when its call has no deadline.
inline constexpr int64_t kAwaitedReadsMax = 4096;
inline constexpr int64_t kAwaitTxidMsDefault = 10'000;
// A client that takes no page of its scan, or no event of its watch, for this long is cut off.
inline constexpr int64_t kStreamStallMsMax = 30'000;
// A watcher is told at least this often up to which txid nothing changed.
inline constexpr int64_t kWatchQuietMs = 1'000;
// Calls of one connection that are served at once; more wait at the client.
inline constexpr int32_t kRpcStreamsPerConnectionMax = 256;
inline constexpr int32_t kRpcMetadataBytesMax = 16 * 1024;
inline constexpr int32_t kRpcHandshakeMsMax = 10'000;
inline constexpr int32_t kRpcIdleConnectionMsMax = 15 * 60'000;
// A silent peer is pinged this often and dropped when it does not answer in time; one that pings
// more often than allowed is dropped too.
inline constexpr int32_t kRpcKeepaliveMs = 60'000;
inline constexpr int32_t kRpcKeepaliveTimeoutMs = 20'000;
inline constexpr int32_t kRpcPingIntervalMsMin = 10'000;

// Reads of states between workers: keys of one call, bytes of one answer unless one value has more,
// bytes of a page, and how long a call may take before the other worker counts as gone.
inline constexpr int kPartReadKeysMax = 10'000;
inline constexpr size_t kPartAnswerBytesMax = 4 * kMiB;
inline constexpr uint64_t kPartPageBytesMax = 8 * kMiB;
inline constexpr int64_t kPartReadMsMax = 2'000;
// A worker sees a txid that another one has published this soon, or the read fails.
inline constexpr int64_t kPartTxIdMsMax = 1'000;
// A worker keeps a txid for another one that says nothing more for so long, and for so many: one a
// worker and batch group.
inline constexpr int64_t kPartHoldMs = 3'000;
inline constexpr size_t kPartHoldersMax = 4'096;
// How long a read waits while an epoch of several workers begins.
inline constexpr int64_t kEpochWaitMsMax = 3'000;

// Probes over HTTP: the head of a request, connections at once (the oldest one goes), and the time
// of one from its begin to its end.
inline constexpr size_t kProbeHeadBytesMax = 4096;
inline constexpr size_t kProbeConnectionsMax = 16;
inline constexpr int64_t kProbeRequestMsMax = 3'000;

// The control stream between a leader and each of its workers: the size of one message, the parts
// in it (records, ranges, positions, names), and what may wait for a peer that does not read.
inline constexpr int64_t kControlMessageBytesMax = 32 * kMiB;
inline constexpr int64_t kControlItemsMax = 1 << 20;
inline constexpr int64_t kControlQueueBytesMax = 64 * kMiB;
// Words that wait for a write share a message up to this size; a longer word has one of its own.
inline constexpr int64_t kControlSharedBytesMax = 256 * kKiB;
// A hello, the first message of a worker.
inline constexpr int64_t kControlHelloBytesMax = 64 * kKiB;
// Streams at once, those that have not said their hello included.
inline constexpr int64_t kControlStreamsMax = 1024;
inline constexpr int32_t kControlStreamsPerConnectionMax = 8;
// Each end says at least this often that it lives, and one of which nothing was heard for so long
// counts as gone.
inline constexpr int64_t kControlHeartbeatMs = 100;
inline constexpr int64_t kControlSilenceMsMax = 1'000;
// gRPC's own pings: how often, and how long for an answer.
inline constexpr int32_t kControlKeepaliveMs = 300;
// A worker without a stream dials again after the first of these, then ever later up to the second.
inline constexpr int64_t kControlRedialMsMin = 50;
inline constexpr int64_t kControlRedialMsMax = 250;
// How long an attempt to connect may take, whatever the name says.
inline constexpr int64_t kControlConnectMsMax = 1'000;
// How often a worker that dials in vain says so.
inline constexpr int64_t kControlComplaintMs = 5'000;

// ---- state: what is remembered ----

inline constexpr int64_t kKeyBytesMax = 64 * kKiB;
inline constexpr int64_t kValueBytesMax = 16 * kMiB;
// The keys of one partition that are remembered as unreadable, at 40 bytes each. Their count ends
// there.
inline constexpr size_t kUnreadableKeysKept = 10'000;
// The number of partitions of a state is part of its format: fixed when the state is made.
inline constexpr uint32_t kStatePartitionsMax = 4096;
// Decided txids whose previous values stay in memory, so that a read at exactly N works while N+1
// is applied. Snapshots that are held add to them.
inline constexpr uint64_t kReadableVersions = 16;
inline constexpr int64_t kPinnedSnapshotsMax = 1024;
// Redo that waits to be folded. Above this the coordinator cuts no new batch, because a restart
// replays all of it, which takes 5 to 8 ms per MiB.
inline constexpr int64_t kRedoBytesMax = 96 * kMiB;
// A fold starts after this much redo or this many commits, whichever comes first.
inline constexpr int64_t kFoldRedoBytesDefault = 32 * kMiB;
inline constexpr uint64_t kFoldCommitsDefault = 4096;
// For deltas over values that nobody has read. A fold looks the values up if they are at most this
// many in a partition, or at least one in so many of its keys. Between the two it appends the
// deltas unread.
inline constexpr uint64_t kFoldLookUpsMax = 256;
inline constexpr uint64_t kFoldLookUpsOneIn = 4;
// The size of the durable store's log, all of which is read when the store is opened.
inline constexpr int64_t kStoreLogBytesMax = 64 * kMiB;
// The number of sorted runs of the base at which they are merged. A lookup of a key may have to ask
// that many.
inline constexpr int kBaseRunsMergedAt = 10;
// Read-ahead of a cursor that walks a whole table: the sum over all of its runs, and the bounds of
// each run's share. The last one, also for each run, is for a cursor that seeks but is found to
// walk.
inline constexpr int64_t kScanReadAheadBytes = 8 * kMiB;
inline constexpr int64_t kScanReadAheadBytesPerRunMax = 2 * kMiB;
inline constexpr int64_t kScanReadAheadBytesPerRunMin = 64 * kKiB;
inline constexpr int64_t kSeekReadAheadBytesPerRunMax = 64 * kKiB;
// The memory budget of a process: one number for hot tables, block cache, write buffers and
// exchange buffers.
inline constexpr int64_t kMemoryBytesDefault = 1 * kGiB;
inline constexpr int64_t kMemoryBytesMin = 64 * kMiB;
// The memory that a process takes in addition to its budget, however large that is: code and
// read-only data of the libraries, stacks, connections, and freed memory that the C library keeps.
inline constexpr int64_t kMemoryBytesBesideBudget = 64 * kMiB;
// How far the memory that is accounted for one partition may fall behind the memory that it holds.
inline constexpr int64_t kAccountingSlackBytes = 8 * kKiB;

// ---- engine: what runs ----

// Batches of a group that are processed at once.
inline constexpr int32_t kMaxPendingDefault = 4;
inline constexpr int32_t kMaxPendingMax = 64;
// How far the txid of a batch may be ahead of what a task has applied. It is more than may be
// undecided, and decided but not applied, together; so what is beyond it is nobody's batch.
inline constexpr uint64_t kTxidsAheadMax = 256;
// A batch is cut when it reaches any of these over all its source partitions.
inline constexpr int64_t kBatchRowsMaxDefault = 100'000;
inline constexpr int64_t kBatchBytesMaxDefault = 8 * kMiB;
// The memory that a batch in flight is assumed to take: this much per row, for columns, groups and
// frames, and this many times its bytes, for copies. A batch is also cut when, by this estimate, it
// would take more than its part of the budget's share for exchange.
inline constexpr uint64_t kBatchMemoryBytesPerRow = 256;
inline constexpr uint64_t kBatchMemoryBytesPerByte = 4;
// Rows in one frame of an exchange: large enough to pay for a virtual call, small enough for the
// cache.
inline constexpr int64_t kFrameRows = 256;
inline constexpr int64_t kFrameBytesMax = 32 * kMiB;
// A frame that leaves the process has not much more bytes than this, if it has several rows.
inline constexpr size_t kFarFrameBytes = 1 * kMiB;
inline constexpr int64_t kFrameRowsMax = 1 << 22;
// A message to another worker has about this size; a large frame is one alone.
inline constexpr int64_t kBundleBytes = 256 * kKiB;
// The size of one message between workers: the largest frame, with what is said about it.
inline constexpr int64_t kLinkMessageBytesMax = 64 * kMiB;
// The first message of a link, by which a worker says who it is.
inline constexpr size_t kLinkHelloBytesMax = 64;
// A silent worker is pinged this often, and is gone when it does not answer in time. One that pings
// more often than allowed is dropped.
inline constexpr int32_t kLinkPingMs = 300;
inline constexpr int32_t kLinkPingTimeoutMs = 1'000;
inline constexpr int32_t kLinkPingIntervalMsMin = 100;
// A worker that does not answer a new link for this long is not there.
inline constexpr int32_t kLinkConnectMsMax = 2'000;
// Links that one connection may have; each worker has one of its own.
inline constexpr int32_t kLinksPerConnectionMax = 16;
// Threads on which a worker answers reads of other workers.
inline constexpr int kLinkThreadsBesideMax = 64;
inline constexpr int32_t kExecutorsMax = 256;
// Rows of dead letters that wait to be tried again, of one stream. Further ones are asked for
// later.
inline constexpr uint64_t kLetterRequestBytesMax = 64 * kMiB;
// Letters that one call may name.
inline constexpr size_t kLettersPerCallMax = 1000;
// The text of a row in a dead letter. Longer ones are cut, with a word about it.
inline constexpr size_t kLetterTextBytesMax = 8 * kMiB;

// ---- coordinator: who decides ----

// How often an executor reports that it works on an attempt; much shorter than the progress
// deadline.
inline constexpr int64_t kProgressToldMs = 1'000;
// Attempts of one txid before the policy of the stream (stop or isolate) decides.
inline constexpr int32_t kRetryLimitDefault = 3;
// After the end of a process in the program's code, so many batches go one by one, and each further
// end divides their rows. The batches of one such round hold twice the rows of one before it.
inline constexpr uint32_t kCarefulBatches = 32;
inline constexpr uint64_t kCarefulShrink = 16;
// The n-th retry waits first * 2^(n-1), at most max.
inline constexpr int64_t kRetryDelayFirstMs = 10;
inline constexpr int64_t kRetryDelayMaxMs = 5'000;
// An attempt that makes no progress at all for this long fails.
inline constexpr int64_t kProgressDeadlineMsDefault = 30'000;
// The number of decided batches that the slowest worker may still have to apply. At this number no
// new batch is cut.
inline constexpr uint32_t kApplyBacklogBatchesDefault = 64;

inline constexpr int64_t kDrpcQueueMax = 4096;
// Bytes of arguments that wait for one function. Large arguments reach this before kDrpcQueueMax.
inline constexpr int64_t kDrpcQueueBytesMax = 64 * kMiB;
// A function whose last batches all took less than this is executed by the thread that brought the
// request, which saves a change of threads; a slower one never holds up the thread of the network.
inline constexpr int64_t kDrpcInlineMicrosMax = 500;
inline constexpr int64_t kDrpcArgumentBytesMax = 1 * kMiB;
inline constexpr int64_t kDrpcAnswerBytesMax = 16 * kMiB;
inline constexpr int64_t kDrpcBatchRequestsMax = 512;
inline constexpr int64_t kDrpcDeadlineMsDefault = 10'000;
// Request batches of one function that are executed side by side, and how long the last one has
// been going on when another begins beside it: quick functions are faster with one batch at a time.
inline constexpr int64_t kDrpcBatchesAtOnceMax = 8;
inline constexpr int64_t kDrpcSlowMicros = 5'000;

// ---- trident: what a user says ----

inline constexpr int64_t kFieldNameBytesMax = 255;
// Tasks that Stream::Parallelism may ask for.
inline constexpr int32_t kParallelismMax = 256;

// Spouts.
inline constexpr int64_t kLineBytesMax = 1 * kMiB;
inline constexpr int64_t kFileReadBytes = 256 * kKiB;
// A file is read in splits of this size, by this many readers in turn. Positions record both
// numbers.
inline constexpr int64_t kFileSplitBytesDefault = 8 * kMiB;
inline constexpr int32_t kFileReadersDefault = 4;
inline constexpr int32_t kFileReadersMax = 1024;
// How long a file that is away is waited for, and how long a followed one that lost its name must
// be silent to count as finished.
inline constexpr int64_t kFilePatienceMsDefault = 60'000;
inline constexpr int64_t kFileRotateWaitMsDefault = 5'000;
// Files of a spout that stay open. More than these are opened for each read.
inline constexpr int64_t kFilesHeldMax = 256;
// How often a source that cannot wake anyone is asked for input while it has none.
inline constexpr int64_t kSpoutPollNanosDefault = 5'000'000;
// A read of a log returns its position after this many steps without a row.
inline constexpr int64_t kLogStepsWithoutRowMax = 4096;
// The number of source partitions of a spout whose partitions are numbered, not named.
inline constexpr int64_t kGeneratorPartitionsMax = 65'536;
inline constexpr int64_t kFeederQueueRowsMax = 1'000'000;
inline constexpr int64_t kFeederQueueBytesMax = 64 * kMiB;

}  // namespace trident

#endif  // TRIDENT_BASE_LIMITS_H_
