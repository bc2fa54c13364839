// SPDX-License-Identifier: Apache-2.0
//
// InputFile: one file that is read in pieces over a long time, wherever it is moved meanwhile. It
// is the same file as long as it holds what was read of it. Who looks after all files
// (input_files.h) tells it where its content is now, and when it is finished.
#ifndef TRIDENT_TRIDENT_SPOUTS_INPUT_FILE_H_
#define TRIDENT_TRIDENT_SPOUTS_INPUT_FILE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/status.h"
#include "trident/spouts/open_file.h"
#include "trident/spouts/text_file_spout.h"
#include "trident/spouts/text_source.h"
#include "trident/spouts/wake_ups.h"

namespace trident {

// Thread-safe.
class InputFile final : public TextSource {
 public:
  enum class Held : uint8_t { kNo, kYes };  // kYes: stays open, and so readable when it is deleted
  struct Spec {
    std::string path;  // by which people know it
    Follow follow = Follow::kNo;
    Replaced replaced = Replaced::kStop;
    LastLine last_line = LastLine::kNo;
    uint64_t line_bytes_max = 0;
    TextSplits splits = {};  // unless the file must be decoded
    // By which the file was read before, as the positions of an earlier run say.
    std::optional<TextSplits> splits_before = std::nullopt;
    Nanos patience = 0;
    Held held = Held::kNo;
    std::function<void()> changed;  // what was read of it is not there any more; any thread
  };
  // `place` is where it is, `open` the file there. `mark` is what was read of it before.
  InputFile(Spec spec, std::string place, std::shared_ptr<const OpenFile> open, FileMark mark);
  // Looks at the file for the first time.
  Status Begin();

  const std::string& path() const override { return spec_.path; }
  Follow follow() const { return spec_.follow; }
  Replaced replaced() const { return spec_.replaced; }
  std::string place() const;
  FileId id() const;
  // Where it ends for good; nullopt: it may grow.
  std::optional<uint64_t> end() const override;
  // Of a last line that is none yet, because it has no end; 0: there is none.
  uint64_t bytes_without_end() const;
  // The lines that its readers left out or repaired.
  TextCounts& counts() { return counts_; }
  const TextCounts& counts() const { return counts_; }
  // The longest that it has been seen.
  uint64_t size_seen() const;
  // How it is shared out among readers.
  TextSplits splits() const override;
  // Empty unless it is compressed.
  PackedMark packed() const;
  // What was read of it cannot be read again: it was truncated or written over.
  bool is_gone() const;

  // What was read of it, and its first bytes.
  FileMark mark() const;
  void Remember(const FileMark& mark, std::string_view head);
  // Does the other file begin like this one, as far as both go?
  bool BeginsLike(const OpenFile& other) const;
  // Does it hold what another reader, or an earlier run, has read? The errors of Read.
  StatusOr<bool> Holds(const FileMark& mark);

  // A compressed file is checked to its end before anything of it is read, and unpacked up to
  // `offset`. One call does a bounded part of that. True: it is done. The errors of Read, and
  // DataLoss: it is damaged, or cut short.
  StatusOr<bool> Prepare(uint64_t offset);
  // What was read up to `offset` is committed.
  void Release(uint64_t offset);
  // In this run, by any reader.
  bool has_committed() const;
  // How long it is now; of a file that is not followed, where it ends. The errors of Read, and
  // Unavailable while a compressed file is not checked yet.
  StatusOr<uint64_t> SizeNow();
  // Up to `bytes` bytes from `offset` on; fewer only at the end. Unavailable: it is away, and
  // waited for; once that took too long, the reason. FailedPrecondition: is_gone().
  StatusOr<FileBlock> Read(uint64_t offset, uint64_t bytes) override;

  // ---- for who looks after the files ----
  // Its content is in this file from now on.
  void MoveTo(std::string place, std::shared_ptr<const OpenFile> open);
  // It will not grow any more, or it may again.
  void Finish();
  void Reopen();
  // The open file and what the system says of it now; null if it is away or gone.
  std::shared_ptr<const OpenFile> OpenNow(FileFacts* facts);
  void SetGone(const FileFacts& now);
  // As if it had been read to its end; empty if it cannot be reached or is encoded.
  FileMark WholeMark();
  // The readers of the file are woken when it may have more.
  WakeUps& readers() { return readers_; }

 private:
  using OpenRef = std::shared_ptr<const OpenFile>;
  StatusOr<OpenRef> Reach() TRIDENT_REQUIRES(mutex_);
  StatusOr<OpenRef> ReachSame(FileFacts* facts) TRIDENT_REQUIRES(mutex_);
  Status Away(const Status& why) TRIDENT_REQUIRES(mutex_);
  Status BecomeGone(std::string how) TRIDENT_REQUIRES(mutex_);
  // Of a file that is not compressed; `facts` are those of now.
  StatusOr<uint64_t> TextBytes(const OpenFile& open, const FileFacts& facts)
      TRIDENT_REQUIRES(mutex_);
  Status CheckSame(const OpenFile& open, const FileFacts& now) TRIDENT_REQUIRES(mutex_);
  Status CheckSamePacked(const OpenFile& open, const FileFacts& now) TRIDENT_REQUIRES(mutex_);
  Status BeginPacked() TRIDENT_REQUIRES(mutex_);
  // The compressed file is checked.
  Status SetMeasured(const OpenFile& open, const TextExtent& extent) TRIDENT_REQUIRES(mutex_);
  StatusOr<uint64_t> LastLineEnd(const OpenFile& open, uint64_t size) const;
  uint64_t LastLineEnd(const TextExtent& extent) const;
  void SetEncoding(const OpenFile& open) TRIDENT_REQUIRES(mutex_);

  const Spec spec_;
  WakeUps readers_;
  TextCounts counts_;
  mutable Mutex mutex_;
  std::string place_ TRIDENT_GUARDED_BY(mutex_);
  FileId id_ TRIDENT_GUARDED_BY(mutex_);
  OpenRef open_ TRIDENT_GUARDED_BY(mutex_);  // null unless it is held
  FileFacts checked_ TRIDENT_GUARDED_BY(mutex_);
  FileMark mark_ TRIDENT_GUARDED_BY(mutex_);
  std::string beginning_ TRIDENT_GUARDED_BY(mutex_);  // some of its first bytes
  std::optional<uint64_t> end_ TRIDENT_GUARDED_BY(mutex_);
  uint64_t bytes_without_end_ TRIDENT_GUARDED_BY(mutex_) = 0;
  uint64_t size_seen_ TRIDENT_GUARDED_BY(mutex_) = 0;
  bool has_committed_ TRIDENT_GUARDED_BY(mutex_) = false;
  uint64_t size_now_ TRIDENT_GUARDED_BY(mutex_) = 0;  // when it was checked_
  std::optional<Nanos> away_since_ TRIDENT_GUARDED_BY(mutex_);
  TextEncoding encoding_ TRIDENT_GUARDED_BY(mutex_) = TextEncoding::kUndecided;
  std::shared_ptr<EncodedText> text_ TRIDENT_GUARDED_BY(mutex_);  // null: its bytes are the text
  PackedMark packed_ TRIDENT_GUARDED_BY(mutex_);
  std::string gone_ TRIDENT_GUARDED_BY(mutex_);  // how; "" if it is not
};

// The path in the folder of `place` at which the file `id` is; "" if it is not there.
std::string PlaceBeside(const std::string& place, FileId id);

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_INPUT_FILE_H_
