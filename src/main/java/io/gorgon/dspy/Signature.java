package io.gorgon.dspy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * This is what goes into a program, and what comes out: as DSPy's text, or as fields. Whether it is
 * right is found when a program is created of it, in Python, which knows its types: what is wrong
 * is refused with its position ({@link ProgramFailure.SignatureRefused}). Immutable.
 *
 * <pre>{@code
 * Signature.of("question, context: list[str] -> answer: float")
 * Signature.fields().input(Field.of("review")).output(Field.of("mood", "Literal['good', 'bad']"))
 * }</pre>
 *
 * @param text the text; empty where there are fields
 * @param inputs fields, in order
 * @param outputs fields, in order
 * @param instructions what the model is told to do; DSPy's own sentence if empty
 */
public record Signature(
    Optional<String> text, List<Field> inputs, List<Field> outputs, Optional<String> instructions) {

  /** Copies the lists. */
  public Signature {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
  }

  /** From text: names with types, {@code ->} between inputs and outputs. */
  public static Signature of(String text) {
    return new Signature(Optional.of(text), List.of(), List.of(), Optional.empty());
  }

  /** From fields, that are added. */
  public static Signature fields() {
    return new Signature(Optional.empty(), List.of(), List.of(), Optional.empty());
  }

  /** With one more input. */
  public Signature input(Field field) {
    return new Signature(text, plus(inputs, field), outputs, instructions);
  }

  /** With one more output. */
  public Signature output(Field field) {
    return new Signature(text, inputs, plus(outputs, field), instructions);
  }

  /** With instructions for the model. */
  public Signature instructing(String told) {
    return new Signature(text, inputs, outputs, Optional.of(told));
  }

  private static List<Field> plus(List<Field> fields, Field one) {
    var more = new ArrayList<>(fields);
    more.add(one);
    return more;
  }

  Object wire() {
    if (text.isPresent()) {
      return text.get();
    }
    return Map.of(
        "fields",
        Stream.concat(
                inputs.stream().map(field -> marked(field, true)),
                outputs.stream().map(field -> marked(field, false)))
            .toList());
  }

  private static Map<String, @Nullable Object> marked(Field field, boolean input) {
    Map<String, @Nullable Object> all = field.wire();
    all.put("input", input);
    return all;
  }
}
