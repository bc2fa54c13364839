// SPDX-License-Identifier: Apache-2.0
//
// InputFiles: all files of a TextFileSpout, and which file each source partition reads. The rules
// by which a file is known again, wherever it is, stand in README.md, "How a file is known".
#ifndef TRIDENT_TRIDENT_SPOUTS_INPUT_FILES_H_
#define TRIDENT_TRIDENT_SPOUTS_INPUT_FILES_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/source.h"
#include "base/status.h"
#include "trident/spouts/file_names.h"
#include "trident/spouts/input_file.h"
#include "trident/spouts/input_listing.h"
#include "trident/spouts/text_position.h"

namespace trident {

// Thread-safe.
class InputFiles {
 public:
  // `look` is called, on any thread, when Look should be.
  InputFiles(const TextFileOptions& options, std::function<void()> look);

  // Forgets all files; Open will find those again that the positions tell of. But what the one call
  // of Open before has found for the same positions stays.
  Status Resume(const std::vector<SourcePosition>& committed);
  // Finds the files, once after each Resume. The errors are those of ListInput, and
  // FailedPrecondition where a file is not the one that was read, or it cannot be told.
  Status Open();

  // What a source partition reads.
  struct Share {
    std::shared_ptr<InputFile> file;
    uint32_t reader = 0;
    // The partition read another file before, which is gone: this position of that one is the
    // beginning.
    Position beginning;
  };
  // NotFound: there is no such partition.
  StatusOr<Share> Find(const std::string& partition) const;
  // All but the first `known`, in the order in which they came up.
  std::vector<std::string> PartitionsFrom(size_t known) const;
  // Last lines that are none yet.
  uint64_t LinesLeft() const;
  // For people: which lines of which files were left out; a few of each kind.
  std::vector<std::string> LeftOut() const;
  // Woken when there are more partitions.
  WakeUps& more_partitions() { return more_partitions_; }

  // ---- for followed files ----
  // Looks at all folders and files again, and tells when to do so next.
  enum class Again : uint8_t {
    kWhenTold,
    kSoon,    // something is undecided
    kAtOnce,  // a large compressed file is checked, one part after the other
  };
  Again Look();
  // A file at this place has changed. False: it is not known, so Look.
  bool Touch(const std::string& place);
  // The folders in which files may change, come and go.
  std::set<std::string> Folders() const;

 private:
  // What the state knows of one file.
  struct Known {
    std::string path;
    uint32_t number = 1;
    std::map<uint32_t, SourcePosition> rows;  // by reader
    std::vector<TextPosition> positions;
    FileId id;
    FileMark mark;  // of the reader that came farthest
  };
  // GroupRows gives them in this order.
  struct PathIsLess {
    bool operator()(const Known& a, const std::string& b) const { return a.path < b; }
    bool operator()(const std::string& a, const Known& b) const { return a < b.path; }
  };
  struct Entry {
    std::string path;      // of its partitions' names
    std::string found_at;  // its path now
    uint32_t number = 1;
    std::shared_ptr<InputFile> file;
    uint32_t readers_listed = 0;
    std::optional<TextSplits> splits_before;
    std::map<uint32_t, Position> beginnings;  // of readers that read another file before
    FileFacts seen;
    Nanos silent_since = 0;
    bool has_place = true;  // it is where the input lists it
    bool is_finished = false;
  };
  // A file that was found and of which it is not known yet what it is.
  struct Undecided {
    FileFacts facts;
    Nanos since = 0;  // it has these facts
    bool was_told = false;
    const Entry* copy_of = nullptr;  // so it is left out
    // How far the files after which it is named were read when it was seen first.
    std::map<const Entry*, FileMark> marks;
    std::shared_ptr<const OpenFile> open;  // it is compressed
  };
  struct Match {
    std::string path;  // where it was found
    std::shared_ptr<const OpenFile> open;
  };
  using Matches = std::map<const Known*, Match>;
  using Unmatched = std::vector<FoundFile>;

  StatusOr<std::vector<Known>> GroupRows() const TRIDENT_REQUIRES(mutex_);
  static Status CheckLineBegin(const TextPosition& at, const OpenFile& file,
                               const std::string& path);
  static StatusOr<bool> Holds(const Known& known, const OpenFile& file, uint64_t size);
  Status MatchListed(const std::vector<Known>& known, Unmatched& files, Matches& matches)
      TRIDENT_REQUIRES(mutex_);
  Status MatchContent(const std::vector<Known>& known, Unmatched& files, Matches& matches)
      TRIDENT_REQUIRES(mutex_);
  static Status CannotTell(const Known& known, const std::string& path, const std::string& other);
  void MatchBeside(const std::vector<Known>& known, Matches& matches) TRIDENT_REQUIRES(mutex_);
  Status CheckReplaced(const std::vector<Known>& known, const Unmatched& files,
                       const Matches& matches) const TRIDENT_REQUIRES(mutex_);
  // The files after which `path` is named as a rotation names them.
  std::vector<Entry*> NamesakesOf(const std::string& path) const TRIDENT_REQUIRES(mutex_);
  bool IsCopyOfOneRead(const std::string& path, const OpenFile& open) const
      TRIDENT_REQUIRES(mutex_);
  Status AddKnown(const Known& known, const Match& match) TRIDENT_REQUIRES(mutex_);
  Status AddNew(const FoundFile& found, std::shared_ptr<const OpenFile> open,
                const std::vector<Known>& known, const Matches& matches) TRIDENT_REQUIRES(mutex_);
  Status AddEntry(Entry entry, std::shared_ptr<const OpenFile> open, const FileMark& mark)
      TRIDENT_REQUIRES(mutex_);
  void ListNextReader(Entry& entry) TRIDENT_REQUIRES(mutex_);
  // Lists the readers that the size of the file asks for. True if there are new ones.
  bool ListReaders(Entry& entry) TRIDENT_REQUIRES(mutex_);
  void Say(const std::string& what) TRIDENT_REQUIRES(mutex_);

  bool LookAtFound(const InputListing& listing, Nanos now) TRIDENT_REQUIRES(mutex_);
  bool LookAtNew(const FoundFile& found, Nanos now) TRIDENT_REQUIRES(mutex_);
  // A compressed file that nobody knows can be judged: it is whole, or will never be.
  bool IsChecked(const std::shared_ptr<const OpenFile>& open, Nanos since, Nanos now)
      TRIDENT_REQUIRES(mutex_);
  enum class Verdict : uint8_t { kContinues, kNew, kWait, kLeaveOut };
  // Of kContinues and kLeaveOut `which` is the file that it continues, or is a copy of.
  Verdict Judge(const FoundFile& found, const OpenFile& open, Nanos now, Entry** which)
      TRIDENT_REQUIRES(mutex_);
  void LookAtMissing(Nanos now) TRIDENT_REQUIRES(mutex_);
  void LookForCopy(Entry& entry) TRIDENT_REQUIRES(mutex_);
  void Move(Entry& entry, const std::string& path, std::shared_ptr<const OpenFile> open)
      TRIDENT_REQUIRES(mutex_);

  const TextFileOptions options_;
  const std::function<void()> look_;
  WakeUps more_partitions_;

  mutable Mutex mutex_;
  bool is_open_ TRIDENT_GUARDED_BY(mutex_) = false;
  bool is_fresh_ TRIDENT_GUARDED_BY(mutex_) =
      false;  // Open has found files, and was not asked again
  std::vector<SourcePosition> committed_ TRIDENT_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Entry>> entries_ TRIDENT_GUARDED_BY(mutex_);
  std::vector<std::string> partitions_ TRIDENT_GUARDED_BY(mutex_);
  std::unordered_map<std::string, std::pair<Entry*, uint32_t>> by_partition_
      TRIDENT_GUARDED_BY(mutex_);
  std::map<std::string, Entry*> by_place_ TRIDENT_GUARDED_BY(mutex_);
  std::unordered_multimap<std::string, Entry*> by_path_ TRIDENT_GUARDED_BY(mutex_);
  std::map<std::string, uint32_t> numbers_ TRIDENT_GUARDED_BY(mutex_);  // the last of each path
  std::map<FileId, Undecided> undecided_ TRIDENT_GUARDED_BY(mutex_);
  std::set<std::string> folders_ TRIDENT_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<const OpenFile>> to_check_ TRIDENT_GUARDED_BY(mutex_);
  std::set<std::string> said_ TRIDENT_GUARDED_BY(mutex_);
  PlaceFinder places_ TRIDENT_GUARDED_BY(mutex_);  // of one Open, or of one Look
  int64_t held_ TRIDENT_GUARDED_BY(mutex_) = 0;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_INPUT_FILES_H_
