package io.gorgon.message;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * This is how much of a failure's parts crosses from node to node. Texts lose their middle and say
 * how much; of lines and frames the last stay, of notes and groups the first.
 *
 * @param characters of one text, at least 64
 * @param elements of one list
 * @param depth of causes and of groups within groups; 0 for none
 */
record Shortening(int characters, int elements, int depth) {

  /** Whole is whatever Python's bridge sends: its limits, in {@code _failures.py}, are lower. */
  static final Shortening FIRST = new Shortening(32 * 1024, 128, 16);

  /** Of the names of classes all stay, as they tell what an exception is. */
  private static final int CLASSES = 16;

  /** Characters of the words that stand for what a text lost. */
  private static final int MARK = 40;

  private static final int SHORTEST = 64;

  /** For what is still too large. */
  Shortening half() {
    return new Shortening(characters / 2, elements / 2, depth / 2);
  }

  /** Whether a half is left to be tried. */
  boolean goesOn() {
    return characters > SHORTEST;
  }

  /** Shortens a failure's arguments. */
  List<@Nullable Object> all(List<@Nullable Object> arguments) {
    var shorter = new ArrayList<@Nullable Object>(arguments.size());
    arguments.forEach(argument -> shorter.add(one(argument)));
    return shorter;
  }

  private @Nullable Object one(@Nullable Object argument) {
    if (argument instanceof String text) {
      return text(text);
    }
    if (argument instanceof List<?> lines) {
      return last(lines).map(this::one).toList();
    }
    return argument instanceof PythonException exception ? exception(exception, depth) : argument;
  }

  private PythonException exception(PythonException whole, int deeper) {
    PythonException cause = whole.cause();
    return new PythonException(
        text(whole.type()),
        text(whole.module()),
        first(whole.classes(), CLASSES).map(this::text).toList(),
        text(whole.message()),
        first(whole.notes(), elements).map(this::text).toList(),
        last(whole.frames()).map(this::frame).toList(),
        cause == null || deeper == 0 ? null : exception(cause, deeper - 1),
        first(whole.group(), deeper == 0 ? 0 : elements)
            .map(member -> exception(member, deeper - 1))
            .toList(),
        text(whole.traceback()));
  }

  private PythonFrame frame(PythonFrame whole) {
    String line = whole.text();
    return new PythonFrame(
        text(whole.file()), whole.line(), text(whole.function()), line == null ? null : text(line));
  }

  private static <T> Stream<T> first(List<T> all, int most) {
    return all.stream().limit(most);
  }

  private <T> Stream<T> last(List<T> all) {
    return all.stream().skip(Math.max(0, all.size() - elements));
  }

  /** At most as many characters, with both ends of the text. */
  String text(String whole) {
    if (whole.length() <= characters) {
      return whole;
    }
    int head = (characters - MARK) / 2;
    int tail = whole.length() - head;
    if (Character.isHighSurrogate(whole.charAt(head - 1))) {
      head--;
    }
    if (Character.isLowSurrogate(whole.charAt(tail))) {
      tail++;
    }
    return whole.substring(0, head)
        + "... ("
        + (tail - head)
        + " characters left out) ..."
        + whole.substring(tail);
  }

  /** The same for encodings that know no halves of characters, which Python's text may have. */
  String wellFormed(String whole) {
    return new String(text(whole).getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
  }
}
