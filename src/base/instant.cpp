// The proleptic Gregorian calendar, RFC 3339 and durations, without the C library's time functions.
#include "base/instant.h"

#include <algorithm>
#include <limits>

#include "base/assert.h"
#include "base/text.h"

namespace sluice {

namespace {

constexpr std::int64_t kMsPerDay = 86'400'000;
constexpr std::int64_t kMaxSpanMs = 3650 * kMsPerDay;

struct Date {
  std::int64_t year = 0;
  unsigned month = 1;
  unsigned day = 1;
};

// Both directions count years from 1 March, so that the leap day is the last day of a year and the
// lengths of the months follow one line: day of year = (153 * month + 2) / 5.

/// Days since 1970-01-01 of a date from year 0 on.
constexpr std::int64_t to_days(const Date& date) {
  const std::int64_t year = date.month <= 2 ? date.year - 1 : date.year;
  const std::int64_t month = date.month <= 2 ? date.month + 9 : date.month - 3;
  const std::int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;
  const std::int64_t days = year * 365 + year / 4 - year / 100 + year / 400 + day_of_year;
  return days - 719'468;  // 1970-01-01 counted from 1 March of year 0
}

/// The inverse of to_days for days from 0 on; unsigned 32-bit arithmetic covers year 9999.
constexpr Date to_date(std::uint32_t days_since_1970) {
  const std::uint32_t days = days_since_1970 + 719'468;
  const std::uint32_t era = days / 146'097;  // 400 years
  const std::uint32_t day_of_era = days % 146'097;
  const std::uint32_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::uint32_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::uint32_t month = (5 * day_of_year + 2) / 153;
  const std::uint32_t day = day_of_year - (153 * month + 2) / 5 + 1;
  const bool next_year = month >= 10;
  return {std::int64_t{era * 400 + year_of_era + (next_year ? 1U : 0U)},
          next_year ? month - 9 : month + 3, day};
}

static_assert(to_days({1970, 1, 1}) == 0);
static_assert(to_days({2000, 2, 29}) == 11'016);
static_assert(to_date(11'016).month == 2 && to_date(11'016).day == 29);

bool is_leap(std::int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

unsigned days_in_month(std::int64_t year, unsigned month) {
  constexpr unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

void write_two(char* out, std::uint32_t value) {
  out[0] = static_cast<char>('0' + value / 10);
  out[1] = static_cast<char>('0' + value % 10);
}

/// Reads a text from left to right; once something did not fit, every later step fails too.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  /// A number of `at_least` to `at_most` digits; 0 after a failure.
  unsigned number(std::size_t at_least, std::size_t at_most) {
    unsigned value = 0;
    std::size_t count = 0;
    while (count < at_most && next_is_digit()) {
      value = value * 10 + static_cast<unsigned>(text_[at_] - '0');
      ++at_;
      ++count;
    }
    if (count < at_least) ok_ = false;
    return ok_ ? value : 0;
  }
  /// One of `characters`; NUL after a failure.
  char one_of(std::string_view characters) {
    if (at_ < text_.size() && characters.contains(text_[at_])) {
      return text_[at_++];
    }
    ok_ = false;
    return '\0';
  }
  /// An optional "." and one to nine digits, cut to milliseconds.
  unsigned fraction_ms() {
    if (at_ >= text_.size() || text_[at_] != '.') return 0;
    ++at_;
    unsigned ms = 0;
    std::size_t count = 0;
    while (next_is_digit()) {
      if (count < 3) ms = ms * 10 + static_cast<unsigned>(text_[at_] - '0');
      ++at_;
      ++count;
    }
    if (count == 0 || count > 9) ok_ = false;
    for (; count < 3; ++count)
      ms *= 10;
    return ms;
  }
  bool finished() const { return ok_ && at_ == text_.size(); }

 private:
  bool next_is_digit() const {
    return at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9';
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

struct Civil {
  Date date;
  unsigned hour = 0, minute = 0, second = 0, ms = 0;

  bool exists() const {
    return date.month >= 1 && date.month <= 12 && date.day >= 1 &&
           date.day <= days_in_month(date.year, date.month) && hour <= 23 && minute <= 59 &&
           second <= 59;
  }
  std::int64_t to_ms() const {
    const std::int64_t seconds = (std::int64_t{hour} * 60 + minute) * 60 + second;
    return to_days(date) * kMsPerDay + seconds * 1000 + ms;
  }
};

/// Checks calendar and range, with the offset taken off.
Result<Instant> to_instant(std::string_view text, const Civil& civil, Span utc_offset) {
  if (!civil.exists()) {
    return fail("the time " + quote(text) + " names a date or an hour that does not exist");
  }
  const std::int64_t ms = civil.to_ms() - utc_offset.ms;
  if (ms < 0 || ms > kLastInstant.ms) {
    return fail("the time " + quote(text) + " is outside 1970 to 9999 (UTC)");
  }
  return Instant{ms};
}

}  // namespace

void write_rfc3339(Instant at, char* out) {
  SLUICE_ASSERT(at.ms >= 0 && at <= kLastInstant, "an instant within 1970 to 9999");
  const auto ms = static_cast<std::uint64_t>(at.ms);
  const auto days = static_cast<std::uint32_t>(ms / kMsPerDay);
  const auto of_day = static_cast<std::uint32_t>(ms % kMsPerDay);
  const Date date = to_date(days);
  const auto year = static_cast<std::uint32_t>(date.year);
  write_two(out, year / 100);
  write_two(out + 2, year % 100);
  out[4] = '-';
  write_two(out + 5, date.month);
  out[7] = '-';
  write_two(out + 8, date.day);
  out[10] = 'T';
  write_two(out + 11, of_day / 3'600'000);
  out[13] = ':';
  write_two(out + 14, of_day / 60'000 % 60);
  out[16] = ':';
  write_two(out + 17, of_day / 1000 % 60);
  out[19] = '.';
  const std::uint32_t fraction = of_day % 1000;
  out[20] = static_cast<char>('0' + fraction / 100);
  write_two(out + 21, fraction % 100);
  out[23] = 'Z';
}

std::string to_rfc3339(Instant at) {
  std::string text(24, '\0');
  write_rfc3339(at, text.data());
  return text;
}

Result<Instant> parse_rfc3339(std::string_view text) {
  Scanner scan(text);
  Civil civil;
  civil.date.year = scan.number(4, 4);
  scan.one_of("-");
  civil.date.month = scan.number(2, 2);
  scan.one_of("-");
  civil.date.day = scan.number(2, 2);
  scan.one_of("Tt");
  civil.hour = scan.number(2, 2);
  scan.one_of(":");
  civil.minute = scan.number(2, 2);
  scan.one_of(":");
  civil.second = scan.number(2, 2);
  civil.ms = scan.fraction_ms();
  const char zone = scan.one_of("Zz+-");
  unsigned hours = 0;
  unsigned minutes = 0;
  if (zone == '+' || zone == '-') {
    hours = scan.number(2, 2);
    scan.one_of(":");
    minutes = scan.number(2, 2);
  }
  if (!scan.finished() || hours > 23 || minutes > 59) {
    return fail("the time " + quote(text) +
                " is not RFC 3339; write it like 2026-11-22T14:05:09Z or with an offset, +08:00");
  }
  const std::int64_t offset_ms = (std::int64_t{hours} * 60 + minutes) * 60'000;
  return to_instant(text, civil, Span{zone == '-' ? -offset_ms : offset_ms});
}

Result<Instant> parse_local(std::string_view text, Span utc_offset) {
  Scanner scan(text);
  Civil civil;
  civil.date.year = scan.number(4, 4);
  scan.one_of("-");
  civil.date.month = scan.number(1, 2);
  scan.one_of("-");
  civil.date.day = scan.number(1, 2);
  scan.one_of(" T");
  civil.hour = scan.number(1, 2);
  scan.one_of(":");
  civil.minute = scan.number(2, 2);
  scan.one_of(":");
  civil.second = scan.number(2, 2);
  civil.ms = scan.fraction_ms();
  if (!scan.finished()) {
    return fail("the time " + quote(text) + " is not a local time; write it like " +
                "2026-11-22 14:05:09");
  }
  return to_instant(text, civil, utc_offset);
}

Result<Span> parse_span(std::string_view text) {
  struct Unit {
    std::string_view name;
    std::int64_t ms;
  };
  constexpr Unit units[] = {{"ms", 1},        {"s", 1000},      {"m", 60'000},
                            {"h", 3'600'000}, {"d", kMsPerDay}, {"", 1000}};
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto count = parse_uint(text.substr(0, digits), std::numeric_limits<std::int64_t>::max());
  for (const Unit& unit : units) {
    if (!count || unit.name != text.substr(digits)) continue;
    if (*count > kMaxSpanMs / unit.ms) {
      return fail("the duration " + quote(text) + " is longer than 3650 days");
    }
    return Span{*count * unit.ms};
  }
  return fail("the duration " + quote(text) +
              " is not a whole number with a unit; write it like 90s, 30m, 2h, 1d or 250ms");
}

}  // namespace sluice
