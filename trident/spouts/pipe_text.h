// SPDX-License-Identifier: Apache-2.0
//
// PipeText: what comes through a pipe, as far as it has come and is not let go of.
#ifndef TRIDENT_TRIDENT_SPOUTS_PIPE_TEXT_H_
#define TRIDENT_TRIDENT_SPOUTS_PIPE_TEXT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "trident/spouts/pipe_decoder.h"
#include "trident/spouts/text_file_spout.h"
#include "trident/spouts/text_source.h"

namespace trident {

// Not thread-safe. Never blocks. Of a line that is longer than the rules allow, so much is kept
// that it still is, so the memory has a limit.
class PipeText final : public TextSource {
 public:
  static StatusOr<std::shared_ptr<PipeText>> Open(const TextPipeOptions& options);
  ~PipeText() override;
  PipeText(const PipeText&) = delete;
  PipeText& operator=(const PipeText&) = delete;

  const std::string& path() const override { return options_.path; }
  std::optional<uint64_t> end() const override { return end_; }
  TextSplits splits() const override { return TextSplits::Whole(); }
  // What has come; fewer bytes while no more do. The errors of PipeDecoder, once all whole lines
  // before are let go of.
  StatusOr<FileBlock> Read(uint64_t offset, uint64_t bytes) override;
  // What lies before `offset` is not read any more. Its memory may stay as long as that behind it
  // is larger.
  void LetGo(uint64_t offset);
  // Of a last line that is none, because it has no end.
  uint64_t bytes_without_end() const {
    return base_ + text_.size() - end_.value_or(base_ + text_.size());
  }

 private:
  PipeText(const TextPipeOptions& options, int fd)
      : options_(options), fd_(fd), decoder_(options.path) {}
  // Takes what is there now. False: nothing is.
  StatusOr<bool> Take();
  // Is there something to be read, or the end of it?
  bool HasInput(bool* is_end) const;
  void Append(std::string_view more);
  void End();

  const TextPipeOptions options_;
  const int fd_;
  PipeDecoder decoder_;
  std::string buffer_;
  std::string text_;      // the bytes from base_ on
  uint64_t base_ = 0;     // all before it was let go of
  uint64_t line_at_ = 0;  // where the last line begins
  std::optional<uint64_t> end_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_PIPE_TEXT_H_
