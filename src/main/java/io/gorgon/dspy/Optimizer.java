package io.gorgon.dspy;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * This names one of DSPy's optimizers: {@code BootstrapFewShot}, {@code
 * BootstrapFewShotWithRandomSearch}, {@code COPRO}, {@code GEPA}, {@code InferRules}, {@code
 * LabeledFewShot}, {@code MIPROv2}, {@code SIMBA}.
 *
 * @param name DSPy's class
 * @param metric what it goes by; {@code LabeledFewShot} needs none
 * @param options what the class takes besides, by Python's names
 * @param compile what its {@code compile} takes besides
 */
public record Optimizer(
    String name,
    Optional<Metric> metric,
    Map<String, @Nullable Object> options,
    Map<String, @Nullable Object> compile) {

  /** Copies. */
  public Optimizer {
    options = Collections.unmodifiableMap(new LinkedHashMap<>(options));
    compile = Collections.unmodifiableMap(new LinkedHashMap<>(compile));
  }

  /** One of that name, that goes by a metric. */
  public static Optimizer of(String name, Metric metric) {
    return new Optimizer(name, Optional.of(metric), Map.of(), Map.of());
  }

  /** Shows the model examples that the program answered well, and others as they are. */
  public static Optimizer bootstrapFewShot(Metric metric) {
    return of("BootstrapFewShot", metric);
  }

  /** Shows the model {@code count} of the examples as they are; asks it nothing. */
  public static Optimizer labeledFewShot(int count) {
    return new Optimizer("LabeledFewShot", Optional.empty(), Map.of("k", count), Map.of());
  }

  /** With one more option of the class. */
  public Optimizer with(String option, @Nullable Object value) {
    var more = new LinkedHashMap<String, @Nullable Object>(options);
    more.put(option, value);
    return new Optimizer(name, metric, more, compile);
  }

  /** With one more option of {@code compile}. */
  public Optimizer withCompile(String option, @Nullable Object value) {
    var more = new LinkedHashMap<String, @Nullable Object>(compile);
    more.put(option, value);
    return new Optimizer(name, metric, options, more);
  }

  Map<String, Object> wire() {
    var all = new LinkedHashMap<String, Object>();
    all.put("name", name);
    metric.ifPresent(given -> all.put("metric", given.wire()));
    all.put("options", options);
    all.put("compile", compile);
    return all;
  }
}
