// Seconds as people and editors write them. Timecodes are SMPTE, non-drop, at the nearest whole frame rate.

const two = (number) => String(number).padStart(2, "0");
const NUDGE_S = 1e-3; // a browser that is sent exactly to where a frame begins may show the one before

export const frameOf = (time_s, rate_fps) => Math.max(0, Math.floor((time_s + NUDGE_S) * rate_fps));
export const timeOf = (frame, rate_fps) => frame / rate_fps;

/** Where to send a player so that it shows that frame. */
export const seekTime = (frame, rate_fps) => (frame === 0 ? 0 : frame / rate_fps + NUDGE_S / 2);

export function timecode(time_s, rate_fps) {
  const nominal = Math.max(1, Math.round(rate_fps));
  const frame = frameOf(time_s, rate_fps);
  const seconds = Math.floor(frame / nominal);
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}:${two(frame % nominal)}`;
}

/** `0:03.250`, as the hit list writes it. */
export function clock(time_s) {
  const whole = Math.max(0, time_s);
  return `${Math.floor(whole / 60)}:${(whole % 60).toFixed(3).padStart(6, "0")}`;
}
