// SPDX-License-Identifier: Apache-2.0
#include "state/disk/manifest_check.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include <rocksdb/env.h>

namespace trident {
namespace {

// The format of RocksDB's logs: blocks of 32 KiB; in each, records of a masked CRC-32C, a length of
// 2 bytes, a type, and the content. No record crosses a block; a long one is cut in fragments.
constexpr size_t kBlockBytes = 32 * 1024;
constexpr size_t kHeaderBytes = 7;
constexpr uint8_t kFull = 1;
constexpr uint8_t kFirst = 2;
constexpr uint8_t kLast = 4;
// Types above kLast up to this belong to logs that are written over an older one. In a MANIFEST,
// which never is, they end the reading as if they were left from the older one.
constexpr uint8_t kLastOfReusedLog = 8;

constexpr std::array<uint32_t, 256> MakeCrcTable() {
  constexpr uint32_t kCastagnoli = 0x82f63b78;
  std::array<uint32_t, 256> table = {};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kCastagnoli : 0);
    table[i] = crc;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kCrcTable = MakeCrcTable();

uint32_t MaskedCrc(uint8_t type, std::string_view content) {
  uint32_t crc = ~uint32_t{0};
  auto add = [&](uint8_t byte) { crc = (crc >> 8) ^ kCrcTable[(crc ^ byte) & 0xff]; };
  add(type);
  for (char c : content) add(static_cast<uint8_t>(c));
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8;
}

struct Header {
  uint32_t crc;
  size_t length;
  uint8_t type;
};

Header HeaderAt(std::string_view bytes, size_t at) {
  auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(bytes[at + i])); };
  return {byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24, byte(4) | byte(5) << 8,
          static_cast<uint8_t>(byte(6))};
}

// Whether the record at `at` is whole when it has this type and length.
bool IsWhole(std::string_view bytes, size_t at, uint8_t type, size_t length) {
  if (at + kHeaderBytes + length > bytes.size()) return false;
  return MaskedCrc(type, bytes.substr(at + kHeaderBytes, length)) == HeaderAt(bytes, at).crc;
}

// A whole record that begins at `at`. One of zeros is none.
bool BeginsRecord(std::string_view bytes, size_t at) {
  if (at + kHeaderBytes > bytes.size()) return false;
  const Header header = HeaderAt(bytes, at);
  if (header.type != kFull && header.type != kFirst) return false;
  if (at % kBlockBytes + kHeaderBytes + header.length > kBlockBytes) return false;
  return IsWhole(bytes, at, header.type, header.length);
}

// Whether the record at `at`, which ends the reading, is the last one and was written whole.
bool IsWholeAtTheEnd(std::string_view bytes, size_t at) {
  const Header header = HeaderAt(bytes, at);
  if (IsWhole(bytes, at, header.type, bytes.size() - at - kHeaderBytes)) return true;
  for (uint8_t type = kFull; type <= kLast; ++type) {
    if (IsWhole(bytes, at, type, header.length)) return true;
  }
  return false;
}

}  // namespace

size_t FindBrokenHeader(std::string_view manifest) {
  size_t at = 0;
  for (; at + kHeaderBytes <= manifest.size();) {
    const size_t block_end =
        std::min(manifest.size(), at / kBlockBytes * kBlockBytes + kBlockBytes);
    if (block_end - at < kHeaderBytes) {  // filled up with zeros
      at = block_end;
      continue;
    }
    const Header header = HeaderAt(manifest, at);
    if (header.type == 0 || header.type > kLastOfReusedLog) return std::string_view::npos;
    if (header.type > kLast || at + kHeaderBytes + header.length > block_end) break;
    at += kHeaderBytes + header.length;
  }
  if (at + kHeaderBytes > manifest.size()) return std::string_view::npos;
  if (IsWholeAtTheEnd(manifest, at)) return at;
  // The next record, if there is one, stands before the end of this block, or begins the next one.
  const size_t last = at / kBlockBytes * kBlockBytes + kBlockBytes;
  for (size_t next = at + kHeaderBytes; next <= last && next < manifest.size(); ++next) {
    if (BeginsRecord(manifest, next)) return at;
  }
  return std::string_view::npos;
}

Status CheckManifest(rocksdb::Env& env, const std::string& db, std::string_view dir) {
  std::string name;
  std::string manifest;
  if (!rocksdb::ReadFileToString(&env, db + "/CURRENT", &name).ok()) return {};
  while (!name.empty() && name.back() == '\n') name.pop_back();
  if (!rocksdb::ReadFileToString(&env, db + "/" + name, &manifest).ok()) return {};
  const size_t at = FindBrokenHeader(manifest);
  if (at == std::string_view::npos) return {};
  return DataLoss(
      dir, " is damaged: the record at byte ", at, " of db/", name,
      ", the list of its files, has a broken header, and RocksDB would take the list to "
      "end there. Restore the directory from a backup");
}

}  // namespace trident
