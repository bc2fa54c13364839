// SPDX-License-Identifier: Apache-2.0
#include "state/redo/redo_fragment.h"

#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/coding.h"

namespace trident {
namespace {

constexpr size_t kCountAt = 12;
constexpr size_t kLengthAt = 16;
constexpr size_t kFrameBytes = 24;

}  // namespace

RedoFragmentSection::RedoFragmentSection(std::string& fragment, const RedoSectionId& id)
    : fragment_(fragment), at_(fragment.size()) {
  PutFixed32(fragment_, static_cast<uint32_t>(id.kind));
  PutFixed32(fragment_, id.owner);
  PutFixed32(fragment_, id.partition.value());
  fragment_.append(kFrameBytes - kCountAt, '\0');
}

void RedoFragmentSection::End(uint32_t count) {
  const uint64_t length = fragment_.size() - at_ - kFrameBytes;
  std::memcpy(fragment_.data() + at_ + kCountAt, &count, sizeof count);
  std::memcpy(fragment_.data() + at_ + kLengthAt, &length, sizeof length);
}

void AddFragment(RedoRecordBuilder& record, std::string_view fragment) {
  for (ByteReader in(fragment); !in.done();) {
    RedoSectionId id;
    id.kind = static_cast<RedoSectionId::Kind>(in.Fixed32());
    id.owner = in.Fixed32();
    id.partition = PartitionId(in.Fixed32());
    const uint32_t count = in.Fixed32();
    const std::string_view content = in.Bytes(in.Fixed64());
    TRIDENT_CHECK(in.ok()) << "a redo fragment of " << fragment.size() << " bytes is cut off";
    record.AddSection(id, count, content);
  }
}

BuiltRedo BuildRedo(const RedoHeader& header, std::span<const std::string> fragments) {
  RedoRecordBuilder builder(header);
  for (const std::string& fragment : fragments) AddFragment(builder, fragment);
  BuiltRedo built;
  built.changes = builder.changes();
  built.record = std::move(builder).Finish();
  built.checksum = RedoChecksum(built.record);
  return built;
}

}  // namespace trident
