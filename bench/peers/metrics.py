"""BLEU, ROUGE-L and CIDEr-D in plain Python, written from their definitions, to compare figures and speed with.

The first line of stdin is {"file": JSON list of {"candidate": tokens, "references": [tokens]}}. Then each line is answered by a
number: "seconds" scores everything and says how many seconds of a processor that took; the name of a metric gives its value of the last scoring.
"""

import json
import math
import sys
import time
from collections import Counter

ORDERS = range(1, 5)


def ngrams(tokens):
    """Counts of all n-grams of one to four words, the n-gram as a tuple."""
    counts = Counter()
    for n in ORDERS:
        for i in range(len(tokens) - n + 1):
            counts[tuple(tokens[i : i + n])] += 1
    return counts


def bleu_of(length, reference, correct, guess):
    ratio = (length + 1e-15) / (reference + 1e-9)
    brevity = math.exp(1 - 1 / ratio) if ratio < 1 else 1.0
    product, scores = 1.0, []
    for n in ORDERS:
        product *= (correct[n - 1] + 1e-15) / (guess[n - 1] + 1e-9)
        scores.append(product ** (1 / n) * brevity)
    return scores


def bleu(items):
    """Scores of the corpus and of each image."""
    total_length = total_reference = 0
    total_correct, total_guess, per_image = [0] * 4, [0] * 4, []
    for item in items:
        length = len(item["candidate"])
        most = Counter()
        for reference in item["reference_counts"]:
            most |= reference
        correct, guess = [0] * 4, [max(0, length - n + 1) for n in ORDERS]
        for gram, count in item["counts"].items():
            correct[len(gram) - 1] += min(count, most[gram])
        reference = min((abs(len(one) - length), len(one)) for one in item["references"])[1]
        per_image.append(bleu_of(length, reference, correct, guess))
        total_length += length
        total_reference += reference
        for k in range(4):
            total_correct[k] += correct[k]
            total_guess[k] += guess[k]
    return bleu_of(total_length, total_reference, total_correct, total_guess), per_image


def common_subsequence(a, b):
    row = [0] * (len(b) + 1)
    for word in a:
        diagonal = 0
        for j, other in enumerate(b, 1):
            above = row[j]
            row[j] = diagonal + 1 if word == other else max(above, row[j - 1])
            diagonal = above
    return row[-1]


def rouge_l(items, beta=1.2):
    per_image = []
    for item in items:
        candidate = item["candidate"]
        precision = recall = 0.0
        for reference in item["references"]:
            if candidate and reference:
                common = common_subsequence(candidate, reference)
                precision = max(precision, common / len(candidate))
                recall = max(recall, common / len(reference))
        both = recall + beta**2 * precision
        per_image.append((1 + beta**2) * precision * recall / both if both > 0 else 0.0)
    return sum(per_image) / len(per_image), per_image


def cider_d(items, sigma=6.0):
    frequency = Counter()
    for item in items:
        frequency.update(set().union(*item["reference_counts"]))
    log_images = math.log(len(items))

    def vector(counts):
        weights, norms, bigrams = [{}, {}, {}, {}], [0.0] * 4, 0
        for gram, count in counts.items():
            k = len(gram) - 1
            weight = count * (log_images - math.log(max(1, frequency[gram])))
            weights[k][gram] = weight
            norms[k] += weight * weight
            if k == 1:
                bigrams += count
        return weights, [math.sqrt(norm) for norm in norms], bigrams

    per_image = []
    for item in items:
        own, own_norms, own_bigrams = vector(item["counts"])
        score = 0.0
        for counts in item["reference_counts"]:
            theirs, norms, bigrams = vector(counts)
            similarity = 0.0
            for k in range(4):
                if own_norms[k] == 0 or norms[k] == 0:
                    continue
                product = 0.0
                for gram, weight in own[k].items():
                    other = theirs[k].get(gram)
                    if other is not None:
                        product += min(weight, other) * other
                similarity += product / (own_norms[k] * norms[k])
            score += similarity / 4 * math.exp(-((own_bigrams - bigrams) ** 2) / (2 * sigma**2))
        per_image.append(10 * score / len(item["reference_counts"]))
    return sum(per_image) / len(per_image), per_image


def score(items):
    """Every score of the corpus by its name; those of images are computed too, and dropped."""
    for item in items:
        item["counts"] = ngrams(item["candidate"])
        item["reference_counts"] = [ngrams(reference) for reference in item["references"]]
    corpus = dict(zip(["Bleu_1", "Bleu_2", "Bleu_3", "Bleu_4"], bleu(items)[0]))
    corpus["ROUGE_L"] = rouge_l(items)[0]
    corpus["CIDEr-D"] = cider_d(items)[0]
    return corpus


def main():
    with open(json.loads(sys.stdin.readline())["file"], encoding="utf-8") as file:
        items = json.load(file)
    scores = {}
    for line in sys.stdin:
        request = line.strip()
        if request == "seconds":
            start = time.process_time()
            scores = score(items)
            print(json.dumps(time.process_time() - start), flush=True)
        else:
            print(json.dumps(scores[request]), flush=True)


main()
