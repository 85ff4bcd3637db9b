// Everything the pages say, in both languages, under one set of keys.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "api/language.h"

namespace sluice::web {

using api::Language;

/// What is said. The words are in words.cpp; `{}` stands for what is filled in.
enum class Word : std::uint8_t {
  // the frame
  skip_to_content,
  site_sales,
  my_orders,
  sign_in,
  sign_out,
  other_language,
  theme,
  theme_system,
  theme_light,
  theme_dark,
  preferences,
  footer,
  trial,
  console_title,
  console_needs_script,
  // sales
  sales_title,
  sales_lead,
  no_sales,
  no_sales_hint,
  more_sales,
  phase_upcoming,
  phase_open,
  phase_paused,
  phase_ended,
  opens_at,
  opens_in,
  closes_at,
  closes_in,
  closed_at,
  countdown_note,
  // items
  price,
  list_price,
  percent_off,
  left_of,
  sold_out_label,
  stock_told,
  held_note,
  limit_one,
  limit_many,
  hold_note,
  description,
  quantity,
  grab,
  grabbing,
  grab_soon,
  grab_unavailable,
  sign_in_to_grab,
  back_to_sales,
  no_answer,
  // how a grab ended
  end_sold_out,
  end_sold_out_held,
  end_sold_out_gone,
  may_come_back,
  end_already_queued,
  end_already_queued_hint,
  end_limit,
  end_limit_hint,
  end_not_started,
  end_not_started_hint,
  end_ended,
  end_ended_hint,
  end_paused,
  end_paused_hint,
  end_busy,
  end_busy_hint,
  end_too_often,
  end_too_often_hint,
  end_storage,
  end_storage_hint,
  end_quantity,
  end_quantity_hint,
  to_that_order,
  came_back,
  // orders
  order_title,
  order_number,
  order_item,
  order_quantity,
  order_amount,
  order_made,
  order_paid_at,
  order_transaction,
  no_orders,
  no_orders_hint,
  older_orders,
  back_to_orders,
  status_queued,
  status_queued_hint,
  status_awaiting,
  status_awaiting_hint,
  status_closing,
  status_closing_hint,
  status_needs_person,
  status_needs_person_hint,
  status_expired,
  status_expired_hint,
  status_cancelled,
  status_cancelled_hint,
  status_sale_cancelled_hint,
  status_payment_failed_hint,
  status_released_hint,
  status_failed,
  status_failed_hint,
  status_paid,
  status_paid_hint,
  status_refunding,
  status_refunding_hint,
  status_refunded,
  status_refunded_hint,
  time_left,
  pay,
  cancel,
  cancel_hint,
  cancel_confirm,
  no_payment_here,
  // paying
  payment_title,
  payment_scan,
  payment_qr_told,
  payment_open_app,
  payment_done,
  payment_refused,
  payment_refused_hint,
  payment_unavailable,
  payment_unavailable_hint,
  try_again,
  // signing in
  sign_in_title,
  sign_in_lead,
  sign_in_token,
  sign_in_token_hint,
  sign_in_demo,
  sign_in_demo_hint,
  sign_in_name,
  sign_in_name_hint,
  sign_in_refused,
  sign_in_name_refused,
  sign_in_expired,
  sign_in_as,
  signed_in_as,
  // what went wrong
  not_found,
  not_found_hint,
  forbidden,
  forbidden_hint,
  unreadable,
  unreadable_hint,
  busy,
  busy_hint,
  go_home,
};
inline constexpr std::size_t kWords = static_cast<std::size_t>(Word::go_home) + 1;

std::string_view say(Word word, Language language);

/// The same with `values` in the places of its `{}`.
template <class... Values>
std::string say(Word word, Language language, const Values&... values) {
  return fmt::format(fmt::runtime(say(word, language)), values...);
}

}  // namespace sluice::web
