// SPDX-License-Identifier: Apache-2.0
//
// TextFileSpout: the lines of files, in UTF-8 or UTF-16, plain or compressed with gzip or zstd.
// TextPipeSpout, below: those that come through standard input or a named pipe.
//
//   topology.NewStream("lines", TextFileSpout::Make({.paths = {"logs", "more.txt"}}))
//
// A line ends with "\n" or "\r\n", which are not part of it. A last line without an end is no line
// yet (LastLine). Lines are views into the blocks that were read: nothing is copied. The order of
// lines is kept within a split of a file. It is not kept between splits, nor between files.
#ifndef TRIDENT_TRIDENT_SPOUTS_TEXT_FILE_SPOUT_H_
#define TRIDENT_TRIDENT_SPOUTS_TEXT_FILE_SPOUT_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/data/field.h"

namespace trident {

class Spout;

inline constexpr Field<Text> kLine{"line"};

// The rule that shares a text file out among readers. The file is cut into splits of equal size,
// and split k belongs to reader k mod readers. A line belongs to the split in which it starts. The
// rule does not depend on the length of the file, so it holds while the file grows, and also when a
// stopped program finds it grown.
struct TextSplits {
  uint64_t split_bytes = 8 * 1024 * 1024;  // kFileSplitBytesDefault
  uint32_t readers = 4;                    // kFileReadersDefault

  uint64_t SplitOf(uint64_t offset) const { return offset / split_bytes; }
  // True if the split at `offset` belongs to `reader`.
  bool Owns(uint32_t reader, uint64_t offset) const { return SplitOf(offset) % readers == reader; }
  // The first byte behind the split at `offset`.
  uint64_t SplitEnd(uint64_t offset) const { return (SplitOf(offset) + 1) * split_bytes; }
  // The first offset from `offset` on that is in a split of `reader`.
  uint64_t NextOwned(uint32_t reader, uint64_t offset) const;
  // How many of the bytes [begin, end) are in splits of `reader`; 0 if `end` is before `begin`.
  uint64_t OwnedBytes(uint32_t reader, uint64_t begin, uint64_t end) const;
  // One reader of all: a file that must be decoded from its beginning, as a compressed one.
  static TextSplits Whole() { return {.split_bytes = uint64_t{1} << 62, .readers = 1}; }

  friend bool operator==(const TextSplits&, const TextSplits&) = default;
};

// Tells if reading goes on when the file grows.
enum class Follow : uint8_t {
  kNo,   // the file ends where it ended when it was first looked at
  kYes,  // it never ends
};

// The treatment of a file that is not followed and is not the one that was read before: another
// one took its place, or it was cut short or written over. Followed files are always read like
// kNext.
enum class Replaced : uint8_t {
  kStop,  // the run stops or does not start, and the error says how to go on
  kNext,  // what is left of the old file is read if it can be found; the new one from its beginning
};

// The treatment of a last line that has no end, in a file that is not followed.
enum class LastLine : uint8_t {
  kNo,   // no row until its end comes; the next run reads it
  kYes,  // a row; what the file grows by later is a line of its own
};

// The treatment of a line that is not UTF-8.
enum class InvalidUtf8 : uint8_t {
  kFail,     // the batch fails, and the error names the file and the byte
  kReplace,  // each byte that is invalid becomes U+FFFD
  kSkip,     // the line is left out and counted
};
// The treatment of a line over the limit.
enum class LongLine : uint8_t { kFail, kSkip };

struct TextRules {
  InvalidUtf8 invalid_utf8 = InvalidUtf8::kFail;
  LongLine long_line = LongLine::kFail;
  uint64_t line_bytes_max = 1024 * 1024;  // kLineBytesMax
};

// Counts of the lines to which a rule other than failing was applied. An attempt that is made again
// counts again.
struct TextCounts {
  std::atomic<uint64_t> skipped_lines = 0;
  std::atomic<uint64_t> replaced_lines = 0;
};

struct TextFileOptions {
  // Files and directories. A directory stands for all regular files below it, but none whose name
  // begins with ".", and nothing in a state directory. A file that has several names is read once.
  std::vector<std::string> paths;
  std::string field = "line";  // the field kLine
  Follow follow = Follow::kNo;
  Replaced replaced = Replaced::kStop;
  LastLine last_line = LastLine::kNo;
  TextRules rules = {};
  // Each file is read in splits of `split_bytes` by `readers` source partitions in turn. Both must
  // stay the same as long as a state is used; a program that changes them is refused.
  TextSplits splits = {};
  // The size of a block that is read; more where a line is longer.
  uint64_t read_bytes = 256 * 1024;  // kFileReadBytes
  // How often followed files are looked at where the system does not tell of changes. Many files
  // are looked at less often, so that it takes no more than a fiftieth of a core.
  int64_t poll_nanos = 5'000'000;  // kSpoutPollNanosDefault
  // How long a file with unread input may be away, or refuse to be read, before the run stops.
  int64_t patience_nanos = 60'000'000'000;  // kFilePatienceMsDefault
  // How long a followed file that has lost its name may be silent before it counts as finished; it
  // is not read later.
  int64_t rotate_wait_nanos = 5'000'000'000;  // kFileRotateWaitMsDefault
  // If set, counts the lines that the rules left out or repaired.
  std::shared_ptr<TextCounts> counts = nullptr;
};

// A transactional spout, as long as what was read can be read again. A file is known by its device
// and inode, by its first bytes, and by those that were read last: it may be moved, renamed, linked
// or copied together with the state, and goes on where it was. If that content is gone while a
// batch is not committed yet (a file truncated in place, without a copy), the rows of that batch
// may be lost if it fails; the log says so. Thread-safe.
//
// Source partitions are called "<absolute path>#<reader>"; the further files that stand under the
// same path, one after the other, are "<absolute path>#<reader>@2" and so on. A file that is not
// followed is read up to the end it had at the start; when the program comes back, the part by
// which it has grown is read too. A followed file is read for ever: when another takes its place,
// or its content is cut off, the old one is read to its end and the new one from its beginning.
// Files that come up later below a followed directory, or at a followed path, are read too.
//
// The backlog is in bytes of the files. At the start, NotFound, PermissionDenied or
// InvalidArgument name the path that cannot be read, or the directory without files.
class TextFileSpout {
 public:
  // InvalidArgument if there are no paths, or an option is out of its range. Does not look at the
  // files.
  static StatusOr<std::shared_ptr<Spout>> Make(TextFileOptions options);

  TextFileSpout() = delete;
};

struct TextPipeOptions {
  std::string path = "-";      // "-" and "/dev/stdin" are standard input
  std::string field = "line";  // the field kLine
  // kNo: the input ends when its last writer has closed it. kYes: another writer of a named pipe is
  // waited for. Standard input always ends.
  Follow follow = Follow::kNo;
  LastLine last_line = LastLine::kYes;
  TextRules rules = {};
  uint64_t read_bytes = 256 * 1024;  // kFileReadBytes
  // How often an empty pipe is looked at.
  int64_t poll_nanos = 5'000'000;  // kSpoutPollNanosDefault
  // If set, counts the lines that the rules left out or repaired.
  std::shared_ptr<TextCounts> counts = nullptr;
};

// The lines that come through standard input or a named pipe:
//
//   topology.NewStream("lines", TextPipeSpout::Make({}))                     // standard input
//   topology.NewStream("lines", TextPipeSpout::Make({.path = "/run/feed"}))  // a named pipe
//
// Each line is in exactly one committed batch while the process lives: lines are kept in memory
// until they are committed, so a batch that fails is made again with the same ones. Those that were
// read and not committed when the process ends, by whatever, are lost, because a pipe cannot be
// read again. To lose none, write to a file, and let a TextFileSpout follow it.
//
// An opaque spout with one source partition, "pipe". Nothing is read ahead of what
// batches ask for, but for one block and the rest of a line, so a slow topology holds the writer
// back. Lines are as a TextFileSpout has them, also compressed or in UTF-16; damage is found
// where it lies, behind lines that are counted already. Thread-safe.
class TextPipeSpout {
 public:
  // True if a TextPipeSpout reads `path`: standard input, a named pipe, a character device, or a
  // file without a size that the system makes as it is read, as in /proc.
  static bool Reads(const std::string& path);
  // InvalidArgument if an option is out of its range. Does not look at the pipe; the start does,
  // and NotFound, PermissionDenied or InvalidArgument name what is no pipe.
  static StatusOr<std::shared_ptr<Spout>> Make(TextPipeOptions options);

  TextPipeSpout() = delete;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_TEXT_FILE_SPOUT_H_
