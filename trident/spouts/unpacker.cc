// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/unpacker.h"

#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace trident {
namespace {

Status NoMemory() { return ResourceExhausted("there is no memory to unpack a compressed file"); }

class GzipUnpacker final : public Unpacker {
 public:
  GzipUnpacker() = default;
  ~GzipUnpacker() override { ::inflateEnd(&stream_); }
  GzipUnpacker(const GzipUnpacker&) = delete;
  GzipUnpacker& operator=(const GzipUnpacker&) = delete;

  bool Begin() {
    constexpr int kLargestWindow = 15;
    constexpr int kWithGzipHeader = 16;
    return ::inflateInit2(&stream_, kLargestWindow + kWithGzipHeader) == Z_OK;
  }

  StatusOr<size_t> Unpack(std::string_view& in, std::span<char> out) override {
    if (is_between_) {
      // Tapes and block devices fill up with zeros.
      if (!is_first_) in.remove_prefix(std::min(in.find_first_not_of('\0'), in.size()));
      if (in.empty()) return size_t{0};
      if (!is_first_) ::inflateReset(&stream_);
      is_first_ = is_between_ = false;
    }
    constexpr size_t kMost = std::numeric_limits<uInt>::max();
    const size_t in_size = std::min(in.size(), kMost);
    const size_t out_size = std::min(out.size(), kMost);
    stream_.next_in = reinterpret_cast<const Bytef*>(in.data());
    stream_.avail_in = static_cast<uInt>(in_size);
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out_size);
    const int result = ::inflate(&stream_, Z_NO_FLUSH);
    in.remove_prefix(in_size - stream_.avail_in);
    if (result == Z_MEM_ERROR) return NoMemory();
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      return DataLoss(stream_.msg != nullptr ? stream_.msg : "it is no gzip data");
    }
    is_between_ = result == Z_STREAM_END;
    return out_size - stream_.avail_out;
  }
  bool IsBetween() const override { return is_between_; }
  std::unique_ptr<Unpacker> Copy() const override {
    auto copy = std::make_unique<GzipUnpacker>();
    // zlib reads the source only, but does not say so.
    if (::inflateCopy(&copy->stream_, const_cast<z_stream*>(&stream_)) != Z_OK) return nullptr;
    copy->is_first_ = is_first_;
    copy->is_between_ = is_between_;
    return copy;
  }

 private:
  z_stream stream_ = {};
  bool is_first_ = true;
  bool is_between_ = true;
};

class ZstdUnpacker final : public Unpacker {
 public:
  ZstdUnpacker() : context_(::ZSTD_createDCtx(), ::ZSTD_freeDCtx) {}
  bool Begin() const { return context_ != nullptr; }

  StatusOr<size_t> Unpack(std::string_view& in, std::span<char> out) override {
    if (is_between_ && in.empty()) return size_t{0};
    ZSTD_inBuffer from = {in.data(), in.size(), 0};
    ZSTD_outBuffer to = {out.data(), out.size(), 0};
    const size_t left = ::ZSTD_decompressStream(context_.get(), &to, &from);
    if (::ZSTD_isError(left) != 0) return DataLoss(::ZSTD_getErrorName(left));
    in.remove_prefix(from.pos);
    is_between_ = left == 0;
    return to.pos;
  }
  bool IsBetween() const override { return is_between_; }
  // The library has no way to copy the state within a frame.
  std::unique_ptr<Unpacker> Copy() const override {
    auto fresh = std::make_unique<ZstdUnpacker>();
    return is_between_ && fresh->Begin() ? std::move(fresh) : nullptr;
  }

 private:
  std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context_;
  bool is_between_ = true;
};

template <class Of>
StatusOr<std::unique_ptr<Unpacker>> Begun() {
  auto unpacker = std::make_unique<Of>();
  if (!unpacker->Begin()) return NoMemory();
  return unpacker;
}

}  // namespace

StatusOr<std::unique_ptr<Unpacker>> NewUnpacker(TextEncoding encoding) {
  return encoding == TextEncoding::kGzip ? Begun<GzipUnpacker>() : Begun<ZstdUnpacker>();
}

}  // namespace trident
