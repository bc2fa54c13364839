// SPDX-License-Identifier: Apache-2.0
//
// PipeDecoder: the text of bytes that come one after the other and cannot be read again: plain,
// compressed, or in UTF-16. The first bytes tell.
#ifndef TRIDENT_TRIDENT_SPOUTS_PIPE_DECODER_H_
#define TRIDENT_TRIDENT_SPOUTS_PIPE_DECODER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"
#include "trident/spouts/encoded_text.h"
#include "trident/spouts/unpacker.h"

namespace trident {

// Not thread-safe.
class PipeDecoder {
 public:
  // `path` is for messages.
  explicit PipeDecoder(std::string path) : path_(std::move(path)) {}

  // Call it when Next gave nothing.
  void Feed(std::string_view bytes) { input_ += bytes; }
  // Nothing is fed any more.
  void EndInput() { has_ended_ = true; }
  bool has_ended() const { return has_ended_; }
  // Some of the text, at most about `bytes_max` bytes; empty: it needs more bytes, or there are
  // none. InvalidArgument: it is no text. DataLoss: it is damaged, or ends where it should not. An
  // error comes again with each further call.
  StatusOr<std::string> Next(size_t bytes_max);

 private:
  Status Begin();
  StatusOr<std::string> Unpack(size_t bytes_max);
  Status CheckText(std::string_view text);
  template <class... Pieces>
  Status NoText(const Pieces&... why) const {
    return FailedPrecondition("what comes through the pipe \"", path_, "\" ", why...);
  }
  Status Broken(std::string_view why) const;

  const std::string path_;
  std::string input_;  // not decoded yet
  bool has_ended_ = false;
  TextEncoding encoding_ = TextEncoding::kUndecided;
  std::unique_ptr<Unpacker> unpacker_;
  bool holds_text_ = false;  // the unpacker may, of bytes that it has taken already
  std::string head_;         // the first bytes of the text
  uint64_t made_ = 0;        // bytes of the text
  std::string damage_;       // behind them
  Status broken_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_PIPE_DECODER_H_
