"""Does what was learned in other games help in one never seen? Fine-tuning against scratch."""
